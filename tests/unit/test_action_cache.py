from __future__ import annotations

import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ostoo_build import digest, process
from ostoo_build.execution import record as records
from ostoo_build.execution.action_cache import ActionCache
from ostoo_build.execution.record import Record
from ostoo_build.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = "ab" * 32
CONTENT = b"what rustc made " * 1000


def cache_at(folder: Path) -> ActionCache:
    return ActionCache(folder, Report(colour=False, quiet=False))


@pytest.fixture
def cache(tmp_path: Path) -> ActionCache:
    return cache_at(tmp_path / "cache")


@pytest.fixture
def made(tmp_path: Path) -> Record:
    """A result in the folder `made`."""
    folder = tmp_path / "made"
    (folder / "out").mkdir(parents=True)
    (folder / "out/lib.rlib").write_bytes(CONTENT)
    (folder / "script").write_bytes(b"script")
    (folder / "script").chmod(0o755)
    outputs = {name: records.observe(folder / name) for name in ("out/lib.rlib", "script")}
    return Record(KEY, outputs, messages=("warning: unused\n",), instructions={"cfgs": ["a"]})


@pytest.fixture
def stored(cache: ActionCache, made: Record, tmp_path: Path) -> Record:
    """The same result, kept in the cache and found there."""
    store(cache, made, tmp_path)
    assert cache.lookup(KEY) == made
    return made


def store(cache: ActionCache, made: Record, tmp_path: Path) -> None:
    cache.store(made, tmp_path / "made")
    cache.flush()


def blob(cache: ActionCache) -> Path:
    name = digest.of_bytes(CONTENT)
    return cache.folder / "cas" / name[:2] / name


def entry(cache: ActionCache) -> Path:
    return cache.folder / "ac" / KEY[:2] / KEY


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_stored_result_comes_back_whole(cache: ActionCache, stored: Record, tmp_path: Path) -> None:
    back = tmp_path / "back"
    assert cache.restore(stored, back)
    assert files(back) == ["out/lib.rlib", "script"]
    assert {name: records.observe(back / name) for name in stored.outputs} == stored.outputs


def test_a_file_that_differs_is_replaced(cache: ActionCache, stored: Record, tmp_path: Path) -> None:
    (tmp_path / "made/out/lib.rlib").write_bytes(b"another")
    assert cache.restore(stored, tmp_path / "made")
    assert (tmp_path / "made/out/lib.rlib").read_bytes() == CONTENT


@pytest.mark.usefixtures("stored")
def test_an_unknown_key_is_a_miss(cache: ActionCache) -> None:
    assert cache.lookup("cd" * 32) is None


def test_a_cache_that_is_off_keeps_and_knows_nothing(cache: ActionCache, stored: Record, tmp_path: Path) -> None:
    off = ActionCache(cache.folder, cache.report, enabled=False)
    assert off.lookup(KEY) is None
    entry(cache).unlink()
    store(off, stored, tmp_path)
    assert not entry(cache).exists()


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("position", [0, 70, -1])
def test_a_flipped_bit_in_a_record_is_a_miss(position: int, cache: ActionCache) -> None:
    data = bytearray(entry(cache).read_bytes())
    data[position] ^= 1
    entry(cache).write_bytes(data)
    assert cache.lookup(KEY) is None


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe\n{}", b"0" * 64 + b"\n[]"])
def test_garbage_in_place_of_a_record_is_a_miss(data: bytes, cache: ActionCache) -> None:
    entry(cache).write_bytes(data)
    assert cache.lookup(KEY) is None


@pytest.mark.usefixtures("stored")
def test_a_record_under_anothers_key_is_a_miss(cache: ActionCache) -> None:
    other = cache.folder / "ac" / "cd" / ("cd" * 32)
    other.parent.mkdir()
    entry(cache).rename(other)
    assert cache.lookup("cd" * 32) is None


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def overwrite(path: Path) -> None:
    path.write_bytes(b"garbage")


def swap(path: Path) -> None:
    """Another file's content, properly compressed."""
    name = digest.of_bytes(b"script")
    path.write_bytes((path.parents[1] / name[:2] / name).read_bytes())


@pytest.mark.parametrize("harm", [truncate, empty, overwrite, swap, os.unlink])
def test_a_damaged_file_is_a_miss(
    harm: Callable[[Path], None], cache: ActionCache, stored: Record, tmp_path: Path
) -> None:
    harm(blob(cache))
    assert not cache.restore(stored, tmp_path / "back")
    assert not (tmp_path / "back/out/lib.rlib").exists()


MENDED = [
    truncate,
    empty,
    overwrite,
    swap,
    os.unlink,
]


@pytest.mark.parametrize("harm", MENDED)
def test_a_damaged_file_is_replaced_by_the_next_result(
    harm: Callable[[Path], None], cache: ActionCache, stored: Record, tmp_path: Path
) -> None:
    harm(blob(cache))
    assert not cache.restore(stored, tmp_path / "back")
    store(cache, stored, tmp_path)
    assert cache.restore(stored, tmp_path / "back")
    assert files(tmp_path / "back") == ["out/lib.rlib", "script"]


def test_an_output_that_changed_meanwhile_is_not_kept(cache: ActionCache, made: Record, tmp_path: Path) -> None:
    (tmp_path / "made/script").write_bytes(b"edited")
    store(cache, made, tmp_path)
    assert cache.lookup(KEY) is None
    assert cache.enabled


def test_a_folder_that_cannot_be_used_switches_the_cache_off_with_one_warning(
    made: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    cache = cache_at(tmp_path / "file")
    store(cache, made, tmp_path)
    store(cache, made, tmp_path)
    assert not cache.enabled
    assert cache.lookup(KEY) is None
    assert re.fullmatch(
        r"warning: the action cache is off: Not a directory \(.*/file/cas.*\)\n", capsys.readouterr().err
    )


STORE = """
import sys, time
from pathlib import Path
from ostoo_build.execution.action_cache import ActionCache
from ostoo_build.execution.record import Record
from ostoo_build.report import Report
made, folder = Record.from_bytes(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2])
begin = Path(sys.argv[3])
begin.with_name(f"ready-{sys.argv[4]}").touch()
while not begin.exists():
    time.sleep(0.001)
for round in range(30):
    cache = ActionCache(folder / str(round), Report(colour=False, quiet=False))
    cache.store(made, Path(sys.argv[1]).parent / "made")
    cache.flush()
    assert cache.enabled and cache.lookup(made.key) == made
"""


def test_two_processes_may_store_the_same_key_at_once(made: Record, tmp_path: Path) -> None:
    (tmp_path / "record").write_bytes(made.to_bytes())
    begin = tmp_path / "begin"
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(store_in_another_process, tmp_path, name) for name in "ab"]
        while len([*tmp_path.glob("ready-*")]) < 2:
            assert not any(each.done() for each in running)
            time.sleep(0.01)
        begin.touch()
    assert [each.result() for each in running] == [process.Completed(0, b"", b"")] * 2
    for round_ in range(30):
        folder = tmp_path / "cache" / str(round_)
        assert cache_at(folder).restore(made, tmp_path / "back" / str(round_))
        assert len(files(folder)) == 3


def store_in_another_process(tmp_path: Path, name: str) -> process.Completed:
    arguments = [str(tmp_path / "record"), str(tmp_path / "cache"), str(tmp_path / "begin"), name]
    return process.run(
        [sys.executable, "-c", STORE, *arguments], cwd=tmp_path, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
