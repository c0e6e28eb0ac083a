from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.base import digest, process
from ostoo_build.cache.disk_cache import DiskCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = 1 << 30
KEY, OTHER = "ab" * 32, "cd" * 32
CONTENT = b"what rustc made " * 1000
NAME = digest.of_bytes(CONTENT)
SCRIPT = b"script"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "lib.rlib"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def cache(tmp_path: Path, made: Path) -> DiskCache:
    """A cache that holds two files and a result."""
    found = DiskCache(tmp_path / "cache", LIMIT)
    found.keep(made, NAME)
    script = tmp_path / "script"
    script.write_bytes(SCRIPT)
    found.keep(script, digest.of_bytes(SCRIPT))
    found.keep_result(KEY, b"result")
    return found


def blob(cache: DiskCache) -> Path:
    return cache.folder / "cas" / NAME[:2] / NAME


def entry(cache: DiskCache) -> Path:
    return cache.folder / "ac" / KEY[:2] / KEY


def test_what_is_kept_comes_back(cache: DiskCache, tmp_path: Path) -> None:
    assert cache.read(NAME, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == CONTENT
    assert cache.result(KEY) == b"result"
    assert blob(cache).stat().st_size < len(CONTENT) / 10, "it is compressed"


def test_what_is_not_there_is_a_miss(cache: DiskCache, tmp_path: Path) -> None:
    assert cache.result(OTHER) is None
    assert not cache.read(OTHER, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert cache.has(NAME)
    assert not cache.has(OTHER)


@pytest.mark.parametrize("position", [0, 66, -1])
def test_a_flipped_bit_in_a_result_is_a_miss(position: int, cache: DiskCache) -> None:
    data = bytearray(entry(cache).read_bytes())
    data[position] ^= 1
    entry(cache).write_bytes(data)
    assert cache.result(KEY) is None


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe\n{}", b"0" * 64 + b"\nresult"])
def test_garbage_in_place_of_a_result_is_a_miss(data: bytes, cache: DiskCache) -> None:
    entry(cache).write_bytes(data)
    assert cache.result(KEY) is None


def test_a_result_under_anothers_key_is_a_miss(cache: DiskCache) -> None:
    other = cache.folder / "ac" / OTHER[:2] / OTHER
    other.parent.mkdir()
    entry(cache).rename(other)
    assert cache.result(OTHER) is None


def test_a_forgotten_result_is_a_miss(cache: DiskCache) -> None:
    cache.forget(KEY)
    assert cache.result(KEY) is None
    cache.forget(KEY)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite(path: Path) -> None:
    path.write_bytes(b"garbage")


def swap(path: Path) -> None:
    """Another file's content, properly compressed."""
    name = digest.of_bytes(SCRIPT)
    path.write_bytes((path.parents[1] / name[:2] / name).read_bytes())


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [truncate, empty, overwrite, swap, replace_by_folder, os.unlink])
def test_a_damaged_file_is_a_miss(harm: Callable[[Path], None], cache: DiskCache, tmp_path: Path) -> None:
    harm(blob(cache))
    assert not cache.read(NAME, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("harm", [truncate, empty, overwrite, swap, os.unlink])
def test_a_file_that_was_found_damaged_is_kept_anew(
    harm: Callable[[Path], None], cache: DiskCache, made: Path, tmp_path: Path
) -> None:
    harm(blob(cache))
    assert not cache.read(NAME, tmp_path / "back")
    cache.keep(made, NAME)
    assert cache.read(NAME, tmp_path / "back")


def test_a_file_that_is_not_what_its_digest_says_is_not_kept(cache: DiskCache, made: Path) -> None:
    with pytest.raises(ChangedError):
        cache.keep(made, OTHER)
    assert not cache.has(OTHER)


def test_what_is_there_is_not_written_again(cache: DiskCache, made: Path) -> None:
    before = blob(cache).stat().st_ino
    cache.keep(made, NAME)
    assert blob(cache).stat().st_ino == before


def test_what_is_used_is_the_youngest(cache: DiskCache, made: Path, tmp_path: Path) -> None:
    for use in (lambda: cache.read(NAME, tmp_path / "back"), lambda: cache.keep(made, NAME)):
        os.utime(blob(cache), (1, 1))
        use()
        assert blob(cache).stat().st_mtime > 1
    os.utime(entry(cache), (1, 1))
    cache.result(KEY)
    assert entry(cache).stat().st_mtime > 1


STORE = """
import sys, time
from pathlib import Path
from ostoo_build.cache.disk_cache import DiskCache
begin, path, folder, name, key, sha256 = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:]
begin.with_name(f"ready-{name}").touch()
while not begin.exists():
    time.sleep(0.001)
for round in range(30):
    cache = DiskCache(folder / str(round), 1)
    cache.keep(path, sha256)
    cache.keep_result(key, b"result")
    assert cache.result(key) == b"result"
"""


def test_two_processes_may_keep_the_same_at_once(made: Path, tmp_path: Path) -> None:
    begin = tmp_path / "begin"
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(keep_in_another_process, tmp_path, made, name) for name in "ab"]
        while len([*tmp_path.glob("ready-*")]) < 2:
            assert not any(each.done() for each in running)
            time.sleep(0.01)
        begin.touch()
    assert [each.result() for each in running] == [process.Completed(0, b"", b"")] * 2
    for round_ in range(30):
        cache = DiskCache(tmp_path / "caches" / str(round_), LIMIT)
        assert cache.read(NAME, tmp_path / f"back-{round_}")
        assert len([path for path in cache.folder.glob("*/*/*") if path.is_file()]) == 2


def keep_in_another_process(tmp_path: Path, made: Path, name: str) -> process.Completed:
    arguments = [str(tmp_path / "begin"), str(made), str(tmp_path / "caches"), name, KEY, NAME]
    return process.run(
        [sys.executable, "-c", STORE, *arguments], cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
