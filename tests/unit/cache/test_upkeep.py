from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.actions.record import Output, Record
from ostoo_build.base import byte_size, digest
from ostoo_build.base.errors import OstooError
from ostoo_build.cache import upkeep as cache_upkeep
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.cli import cache as cache_verbs
from ostoo_build.remote import results

KIB = 1 << 10
CONTENTS = [os.urandom(64 * KIB) for _ in range(4)]
NAMES = [digest.of_bytes(content) for content in CONTENTS]
KEY = "ab" * 32


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    """A cache with a result and four files, the first of them used longest ago."""
    found = filled(tmp_path)
    found.keep_result(KEY, b"result")
    return found


def filled(folder: Path) -> DiskCache:
    found = DiskCache(folder / "cache", 200 * KIB)
    for age, content in enumerate(CONTENTS):
        made = folder / "made"
        made.write_bytes(content)
        found.keep(made, NAMES[age])
        os.utime(blob(found, age), (1000 + age, 1000 + age))
    return found


def blob(cache: DiskCache, number: int) -> Path:
    name = NAMES[number]
    return cache.folder / "cas" / name[:2] / name


def held(cache: DiskCache) -> list[int]:
    return [number for number, name in enumerate(NAMES) if cache.has(name)]


def test_what_was_not_used_for_longest_goes_first(cache: DiskCache, tmp_path: Path) -> None:
    assert cache.read(NAMES[0], tmp_path / "back")
    done = cache_upkeep.collect(cache.folder, cache.limit)
    assert held(cache) == [0, 3]
    assert cache.result(KEY) == b"result"
    assert done.entries == 2
    assert done.left <= cache.limit < done.left + done.freed


def result_of(*numbers: int) -> bytes:
    outputs = {f"f{number}": Output(NAMES[number], 64 * KIB, executable=False) for number in numbers}
    return results.from_record(Record("", outputs), "build/unit")


def promises(cache: DiskCache) -> set[str]:
    """Files that a result names and the cache does not have."""
    found = {name for path in (cache.folder / "ac").rglob("*") if path.is_file() for name in named(path)}
    return {name for name in found if not cache.has(name)}


def named(path: Path) -> tuple[str, ...]:
    return results.files_of(path.read_bytes().partition(b"\n")[2])


@given(
    made=st.lists(st.tuples(st.sets(st.integers(0, 3), min_size=1), st.integers(0, 9)), max_size=6),
    ages=st.lists(st.integers(0, 9), min_size=4, max_size=4),
    limit=st.integers(0, 300),
)
def test_no_result_ever_promises_a_file_that_was_given_up(
    made: list[tuple[set[int], int]], ages: list[int], limit: int
) -> None:
    with TemporaryDirectory() as folder:
        cache = filled(Path(folder))
        for number, age in enumerate(ages):
            os.utime(blob(cache, number), (1000 + age, 1000 + age))
        for number, (files, age) in enumerate(made):
            key = digest.of_bytes(b"%d" % number)
            cache.keep_result(key, result_of(*files))
            os.utime(cache.folder / "ac" / key[:2] / key, (1000 + age, 1000 + age))
        done = cache_upkeep.collect(cache.folder, limit * KIB)
        assert not promises(cache)
        assert done.left <= limit * KIB


def test_a_result_whose_file_is_lost_is_damaged(cache: DiskCache) -> None:
    other = "cd" * 32
    cache.keep_result(KEY, result_of(0, 1))
    cache.keep_result(other, result_of(2))
    blob(cache, 1).write_bytes(b"damaged")
    assert set(cache_upkeep.verify(cache.folder)) == {blob(cache, 1), cache.folder / "ac" / KEY[:2] / KEY}
    assert cache.result(other) is not None
    assert cache_upkeep.verify(cache.folder) == []


def test_a_cache_that_fits_is_left_alone(cache: DiskCache) -> None:
    assert cache_upkeep.collect(cache.folder, 1 << 30).entries == 0
    assert held(cache) == [0, 1, 2, 3]


def test_what_a_killed_build_began_goes_after_an_hour(cache: DiskCache) -> None:
    fresh, old = (cache.folder / "cas" / name for name in (".fresh.1", ".old.1"))
    for path in (fresh, old):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3700,) * 2)
    cache_upkeep.collect(cache.folder, 1 << 30)
    assert fresh.exists()
    assert not old.exists()


def test_one_process_at_a_time_gives_up_entries(cache: DiskCache) -> None:
    with FileLock(cache.folder / "collecting"):
        assert cache_upkeep.collect(cache.folder, 0).entries == 0
    assert cache_upkeep.collect(cache.folder, 0).entries == 5


def test_the_size_is_looked_at_from_time_to_time(cache: DiskCache) -> None:
    cache_upkeep.collect_if_due(cache.folder, 0)
    assert held(cache) == []
    cache.keep_result(KEY, b"result")
    cache_upkeep.collect_if_due(cache.folder, 0)
    assert cache.result(KEY) == b"result"
    os.utime(cache.folder / "collected", (1, 1))
    cache_upkeep.collect_if_due(cache.folder, 0)
    assert cache.result(KEY) is None


def test_entries_may_go_while_others_read_them(cache: DiskCache, tmp_path: Path) -> None:
    """A reader gets the whole file or none."""
    done = threading.Event()
    wrong: list[bytes] = []

    def read() -> None:
        while not done.is_set():
            if cache.read(NAMES[0], tmp_path / "back") and (tmp_path / "back").read_bytes() != CONTENTS[0]:
                wrong.append((tmp_path / "back").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(50):
        (tmp_path / "made").write_bytes(CONTENTS[0])
        cache.keep(tmp_path / "made", NAMES[0])
        cache_upkeep.collect(cache.folder, 0)
    done.set()
    reader.join()
    assert not wrong


def test_verification_finds_and_removes_damage(cache: DiskCache) -> None:
    entry = cache.folder / "ac" / KEY[:2] / KEY
    assert cache_upkeep.verify(cache.folder) == []
    blob(cache, 1).write_bytes(blob(cache, 2).read_bytes())
    os.truncate(blob(cache, 3), 10)
    entry.write_bytes(entry.read_bytes() + b"x")
    assert set(cache_upkeep.verify(cache.folder)) == {blob(cache, 1), blob(cache, 3), entry}
    assert held(cache) == [0, 2]
    assert cache_upkeep.verify(cache.folder) == []


def test_an_examination_changes_nothing_and_reads_what_was_used_last(cache: DiskCache) -> None:
    for number in (0, 3):
        blob(cache, number).write_bytes(b"damaged")
        os.utime(blob(cache, number), (1000 + number, 1000 + number))
    whole = cache_upkeep.examine(cache.folder)
    assert (whole.read, whole.entries) == (5, 5)
    assert {*whole.damaged} == {blob(cache, 0), blob(cache, 3)}
    newest = cache_upkeep.examine(cache.folder, 70 * KIB)
    assert newest.entries == 5
    assert 2 <= newest.read < 5
    assert newest.damaged == [blob(cache, 3)]
    assert cache_upkeep.examine(cache.folder, 0) == (0, 5, [])
    assert cache_upkeep.stats(cache.folder).files == 4


def test_the_verbs_say_what_they_did(cache: DiskCache) -> None:
    stats = dict(line.split(None, 1) for line in cache_verbs.perform("stats", cache.folder, 1 << 30).splitlines())
    assert (stats["folder"], stats["results"], stats["files"]) == (str(cache.folder), "1", "4")
    assert stats["size"].endswith(" KiB of 1.0 GiB")
    assert cache_verbs.perform("verify", cache.folder, 0) == "1 results and 4 files are intact\n"
    assert cache_verbs.perform("gc", cache.folder, 200 * KIB).startswith("removed 2 entries, ")
    assert cache_verbs.perform("clear", cache.folder, 0).startswith("removed everything, ")
    assert cache_upkeep.stats(cache.folder) == cache_upkeep.Stats(0, 0, 0)


def test_damage_is_an_error_that_names_the_entry(cache: DiskCache) -> None:
    os.truncate(blob(cache, 0), 10)
    with pytest.raises(OstooError, match="1 entries were damaged") as caught:
        cache_verbs.perform("verify", cache.folder, 0)
    assert caught.value.where == str(blob(cache, 0))


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert cache_verbs.perform("verify", tmp_path / "none", 0) == "0 results and 0 files are intact\n"
    assert cache_upkeep.collect(tmp_path / "none", 0) == cache_upkeep.EvictionResult(0, 0, 0)


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (10 << 30, "10.0 GiB")]
)
def test_sizes_are_shown_in_the_largest_unit(size: int, shown: str) -> None:
    assert byte_size.show(size) == shown
