from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import stamps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FINE, COARSE = 1_000_000_000_123_456_789, 1_000_000_000_000_000_000
FINE_TICK, COARSE_TICK = stamps.TICK, 2 * 10**9


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that was touched a tick ago."""
    path = tmp_path / "file"
    path.write_text("one")
    stamps.wait_for_tick(stamps.touched_at(stamps.of(path)))
    return path


def swap(path: Path) -> None:
    """Change contents, and keep size and mtime."""
    before = path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """Put an older file of equal size and times in its place."""
    status = path.stat()
    path.with_name("other").write_text("two")
    os.utime(path.with_name("other"), ns=(status.st_atime_ns, status.st_mtime_ns))
    path.with_name("other").replace(path)


@pytest.mark.parametrize(
    "change", [swap, replace, lambda path: path.write_text("longer"), lambda path: path.write_text("one"), os.utime]
)
def test_each_change_gives_another_stamp(change: Callable[[Path], object], file: Path) -> None:
    before = stamps.of(file)
    assert stamps.of(file) == before
    change(file)
    assert stamps.of(file) != before


def test_a_stamp_is_of_what_a_link_leads_to(file: Path) -> None:
    file.with_name("link").symlink_to(file)
    assert stamps.of(file.with_name("link")) == stamps.of(file) == stamps.of_status(file.stat())
    with pytest.raises(FileNotFoundError):
        stamps.of(file.with_name("absent"))


@pytest.mark.parametrize(("changed", "tick"), [(FINE, FINE_TICK), (COARSE, COARSE_TICK)])
def test_a_file_is_settled_once_its_clock_has_ticked(changed: int, tick: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for stamp in ([1, changed, 5, 1], [1, 5, changed, 1]):
        monkeypatch.setattr(time, "time_ns", lambda: changed + tick)
        assert not stamps.is_settled(stamp)
        monkeypatch.setattr(time, "time_ns", lambda: changed + tick + 1)
        assert stamps.is_settled(stamp)


@pytest.mark.parametrize(("changed", "tick"), [(FINE, FINE_TICK), (COARSE, COARSE_TICK)])
def test_a_file_may_be_touched_for_a_tick_longer_than_it_says(
    changed: int, tick: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.touch()
    real = path.lstat()
    monkeypatch.setattr(type(path), "lstat", lambda _path: os.stat_result(real, {"st_ctime_ns": changed}))
    assert stamps.may_be_touched_since(changed + tick, path)
    assert not stamps.may_be_touched_since(changed + tick + 1, path)


def test_what_is_not_there_was_not_touched(tmp_path: Path) -> None:
    assert not stamps.may_be_touched_since(0, tmp_path / "absent")
    assert not stamps.is_touched_since(0, tmp_path / "absent")


def test_a_file_is_touched_since_its_own_time_and_not_since_a_later_one(file: Path) -> None:
    touched = stamps.touched_at(stamps.of(file))
    assert stamps.is_touched_since(touched, file)
    assert not stamps.is_touched_since(touched + 1, file)


def test_a_file_is_touched_where_a_link_to_it_is_turned(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to("file")
    moment = link.lstat().st_ctime_ns
    assert stamps.is_touched_since(moment, link)
    assert not stamps.is_touched_since(moment, file)


def test_a_change_after_a_tick_is_seen_whatever_else_stays(tmp_path: Path) -> None:
    """What all proofs by stamps stand on."""
    path = tmp_path / "file"
    for number in range(20):
        path.write_text("one")
        before = stamps.of(path)
        stamps.wait_for_tick(stamps.touched_at(before))
        assert stamps.is_settled(before), number
        swap(path)
        assert stamps.of(path) != before, number


@pytest.mark.parametrize(
    ("ahead", "slept"), [(-stamps.TICK, 0), (0, stamps.TICK), (-stamps.TICK // 2, stamps.TICK // 2)]
)
def test_a_wait_lasts_as_long_as_a_tick_needs(ahead: int, slept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(time, "time_ns", lambda: FINE)
    stamps.wait_for_tick(FINE + ahead)
    stamps.wait_for_tick(FINE + 10**18)
    assert [round(wait * 1e9) for wait in waits] == [slept, stamps.TICK]


@pytest.mark.parametrize(
    ("changed", "tick"), [(1_000_000_001, stamps.TICK), (5_000_000_000, 2_000_000_000)], ids=["fine", "whole seconds"]
)
def test_a_stamp_may_be_of_a_change_within_a_tick_after_its_time(changed: int, tick: int) -> None:
    stamp = [1, 0, changed, 1]
    assert stamps.may_be_of(stamp, changed + tick)
    assert not stamps.may_be_of(stamp, changed + tick + 1)
