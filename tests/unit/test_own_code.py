from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build import own_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("requirements.txt", "elf.py", "execution/engine.py", "strip.ld", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(own_code, "_FOLDER", tmp_path)
    monkeypatch.setattr(own_code, "_PINS", tmp_path / "requirements.txt")
    yield tmp_path
    own_code.own_digest.cache_clear()


def digests() -> tuple[str, str]:
    own_code.own_digest.cache_clear()
    return own_code.own_digest(), own_code.digest_of_files(["elf.py"])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("requirements.txt", [True, True]),
        ("elf.py", [True, True]),
        ("execution/engine.py", [True, False]),
        ("strip.ld", [True, False]),
        ("notes.txt", [False, False]),
    ],
)
def test_what_answers_otherwise_is_another_version(name: str, changes: list[bool], package: Path) -> None:
    before = digests()
    (package / name).write_text("edited")
    assert [old != new for old, new in zip(before, digests(), strict=True)] == changes
