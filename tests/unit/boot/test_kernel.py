from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.boot.kernel import _Parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHANGES: dict[str, Callable[[Path], object]] = {
    "the kernel": lambda folder: (folder / "kernel").write_text("another"),
    "a program": lambda folder: (folder / "share/hello").write_text("another"),
    "what may be started": lambda folder: (folder / "share/hello").chmod(0o755),
    "a name": lambda folder: (folder / "share/hello").rename(folder / "share/hullo"),
    "a hidden file": lambda folder: (folder / "share/.profile").write_text("another"),
    "a file of a package": lambda folder: (folder / "share/package/data").write_text("another"),
    "what a link leads to": lambda folder: (folder / "elsewhere").write_text("another"),
}


def digest(folder: Path, busybox: bytes = b"") -> str:
    return _Parts({"kernel": folder / "kernel", "share": folder / "share"}, busybox).sha256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "share/package").mkdir(parents=True)
    for name in (
        "kernel",
        "elsewhere",
        "share/hello",
        "share/.profile",
        "share/package/Cargo.toml",
        "share/package/data",
    ):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(0o644)
    (tmp_path / "share/link").symlink_to("../elsewhere")
    return tmp_path


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_a_guest_finds_tells_boots_apart(change: str, folder: Path) -> None:
    before = digest(folder)
    assert digest(folder) == before != digest(folder, b"busybox")
    CHANGES[change](folder)
    assert digest(folder) != before
