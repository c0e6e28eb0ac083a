from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from ostoo_build.base import activity
from ostoo_build.base.activity import Activity

if TYPE_CHECKING:
    from pathlib import Path


def ago(seconds: float) -> float:
    return time.monotonic() - seconds


def test_an_activity_goes_on_to_the_end_of_its_block_however_that_ends() -> None:
    outer, inner = Activity("Fetching", "zig"), Activity("Fetching", "zig")
    with activity.during(outer):
        with contextlib.suppress(ValueError), activity.during(inner):
            assert activity.running() == (outer, inner)
            raise ValueError
        assert activity.running() == (outer,)
    assert activity.running() == ()
    assert activity.sentence() == ""


def test_a_download_tells_its_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    zig = Activity("Fetching", "zig", activity.of_folder(folder), 80_000_000, ago(5))
    assert zig.progress == "5 s", "the folder is not there yet"
    (folder / "below").mkdir(parents=True)
    (folder / "wheel").write_bytes(b"\0" * 2_000_000)
    (folder / "below/part").write_bytes(b"\0" * 1_400_000)
    (folder / "link").symlink_to(folder / "below/part")
    assert zig.progress == "3 of 80 MB, 5 s"
    again = Activity("Fetching", "zig", activity.of_folder(folder), began=ago(61))
    (folder / "more").write_bytes(b"\0" * 7_000_000)
    assert again.progress == "7 MB, 61 s", "what was there before does not count"
    (folder / "more").unlink()
    (folder / "wheel").unlink()
    assert again.progress == "61 s"


def test_files_are_counted_as_they_come(tmp_path: Path) -> None:
    fetched = activity.of_files([tmp_path / "a", tmp_path / "b"])
    assert fetched() == 0
    (tmp_path / "b").write_bytes(b"12345")
    (tmp_path / "c").write_bytes(b"1")
    assert fetched() == 5


def test_all_that_goes_on_is_one_sentence() -> None:
    with (
        activity.during(Activity("Fetching", "zig", began=ago(3))),
        activity.during(Activity("Booting", "Linux", began=ago(1))),
    ):
        assert activity.sentence() == "zig (3 s), Linux (1 s)"
