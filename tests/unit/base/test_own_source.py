from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import own_files, own_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in (
        "requirements.txt",
        "binary/elf.py",
        "execution/engine.py",
        "execution/page.html",
        "execution/start.sh",
        "execution/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(own_source, "_FOLDER", tmp_path)
    monkeypatch.setattr(own_files, "requirements", lambda: tmp_path / "requirements.txt")
    yield tmp_path
    forget()


def forget() -> None:
    for remembered in (own_source._digest_of, own_source._versions):  # noqa: SLF001 - what a process read of its sources
        remembered.cache_clear()


def digests() -> tuple[str, str]:
    forget()
    return own_source.digest_of("binary/elf.py", "execution"), own_source.digest_of("binary")


def test_each_file_of_ours_decides_or_is_known_not_to() -> None:
    folder = own_source._FOLDER  # noqa: SLF001 - where this package really lies
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__"}
    assert kinds - own_source._KINDS == {".in", ".proto", ".pyi", ".toml", ".txt", ".typed"}  # noqa: SLF001 - pins are in the keys of sysroots; .in: completion
    assert {".py", ".sh"} <= kinds


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("requirements.txt", [True, True]),
        ("binary/elf.py", [True, True]),
        ("execution/engine.py", [True, False]),
        ("execution/page.html", [True, False]),
        ("execution/start.sh", [True, False]),
        ("execution/notes.txt", [False, False]),
    ],
)
def test_what_answers_otherwise_is_another_version(name: str, changes: list[bool], package: Path) -> None:
    before = digests()
    (package / name).write_text("edited")
    assert [old != new for old, new in zip(before, digests(), strict=True)] == changes
