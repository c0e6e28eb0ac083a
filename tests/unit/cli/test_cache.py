from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.cli import cache

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1 << 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache with one result and two files."""
    disk = DiskCache(tmp_path / "cache", LIMIT)
    from ostoo_build.base import digest  # noqa: PLC0415 - the fixture alone hashes

    for text in ("one", "two"):
        (tmp_path / text).write_text(text)
        disk.keep(tmp_path / text, digest.of_bytes(text.encode()))
    disk.keep_result("a" * 64, b"")
    return disk.folder


def test_stats_say_what_is_there(folder: Path) -> None:
    said = cache.perform("stats", folder, LIMIT).splitlines()
    assert said[:3] == [f"folder   {folder}", "results  1", "files    2"]
    assert said[3].startswith("size     ")
    assert said[3].endswith(" of 1.0 GiB")


def test_a_sound_cache_is_said_to_be_so(folder: Path) -> None:
    assert cache.perform("verify", folder, LIMIT) == "1 results and 2 files are intact\n"


def test_damage_is_named_and_gone(folder: Path) -> None:
    for path in (folder / "cas").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    with pytest.raises(OstooError, match="entries were damaged and have been removed") as caught:
        cache.perform("verify", folder, LIMIT)
    assert str(folder / "cas") in caught.value.where
    assert "0 files are intact" in cache.perform("verify", folder, LIMIT)


def test_what_is_too_much_is_given_up(folder: Path) -> None:
    assert cache.perform("gc", folder, LIMIT).startswith("removed 0 entries")
    assert "; 0 B remain" in cache.perform("gc", folder, 0)


def test_everything_is_given_up(folder: Path) -> None:
    assert cache.perform("clear", folder, LIMIT).startswith("removed everything, ")
    assert "files    0\n" in cache.perform("stats", folder, LIMIT)


@pytest.mark.parametrize("verb", ["stats", "verify", "gc", "clear"])
def test_a_folder_of_somebody_else_is_left_alone(verb: str, tmp_path: Path) -> None:
    (tmp_path / "cas").mkdir()
    (tmp_path / "cas/letter").write_text("dear")
    with pytest.raises(OstooError, match="not a cache of this build"):
        cache.perform(verb, tmp_path, 0)
    assert (tmp_path / "cas/letter").read_text() == "dear"
