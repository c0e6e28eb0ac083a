from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest
from ostoo_build.execution import incremental

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """What rustc left, and somebody vouched for."""
    folder = tmp_path / "incremental"
    (folder / "crate/session").mkdir(parents=True)
    for name in ("crate/session/one.o", "crate/session/dep-graph.bin", "crate/session.lock"):
        (folder / name).write_text(name)
    incremental.vouch(folder)
    return folder


def flip(path: Path) -> None:
    """Alter a file, and put its time back."""
    before = path.stat()
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


ONE = "crate/session/one.o"


def replace_by_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


ALTERED: list[Callable[[Path], object]] = [
    lambda folder: flip(folder / ONE),
    lambda folder: (folder / ONE).unlink(),
    lambda folder: os.truncate(folder / ONE, 1),
    lambda folder: (folder / "crate/session/new.o").touch(),
    lambda folder: (folder / ONE).rename(folder / "crate/session/two.o"),
    lambda folder: os.truncate(folder / ".contents.json", 9),
    lambda folder: (folder / ".contents.json").unlink(),
    lambda folder: replace_by_link(folder / ONE),
    lambda folder: os.mkfifo(folder / "crate/pipe"),
]


@pytest.mark.parametrize("alter", ALTERED)
def test_what_was_altered_is_not_used(alter: Callable[[Path], object], kept: Path) -> None:
    alter(kept)
    incremental.take_away_altered(kept)
    assert not kept.exists()


def test_what_was_not_altered_stays_and_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is read"))
    incremental.take_away_altered(kept)
    assert (kept / ONE).read_text() == ONE


def test_a_name_more_or_less_of_a_file_is_no_change(kept: Path) -> None:
    (kept / ONE).with_name("other").hardlink_to(kept / ONE)
    (kept / ONE).with_name("other").unlink()
    incremental.take_away_altered(kept)
    assert (kept / ONE).read_text() == ONE


def test_what_rustc_never_left_is_nothing(tmp_path: Path) -> None:
    incremental.vouch(tmp_path / "incremental")
    incremental.take_away_altered(tmp_path / "incremental")
    assert not (tmp_path / "incremental").exists()
