"""Maintains the action cache's folder: statistics, verification, eviction."""

from __future__ import annotations

import contextlib
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import zstandard
from filelock import FileLock, Timeout
from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import digest, state_file
from ostoo_build.cache import disk_cache
from ostoo_build.cache import folder as cache_folder
from ostoo_build.cache.folder import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PAUSE = 600
"""Seconds between two checks of the size."""

_ABANDONED = 3600
"""Seconds after which an unfinished file is considered abandoned."""


class Stats(Struct, frozen=True):
    """The number of results and files, and their size on disk in bytes."""

    results: int
    files: int
    size: int


class EvictionResult(Struct, frozen=True):
    """The number of evicted entries, their size in bytes, and the size of the rest."""

    entries: int
    freed: int
    left: int


class _Entry(Struct, frozen=True):
    part: str
    path: Path
    size: int
    used: float


def stats(folder: Path) -> Stats:
    """Count the entries of a cache; a missing cache has none."""
    entries = list(_entries(folder))
    parts = [entry.part for entry in entries]
    return Stats(parts.count("ac"), parts.count("cas"), sum(entry.size for entry in entries))


def verify(folder: Path) -> list[Path]:
    """Read every entry, remove damaged ones and results with missing files, and return the removed paths."""
    damaged = examine(folder).damaged
    for path in damaged:
        path.unlink(missing_ok=True)
    return damaged


class Examination(NamedTuple):
    """How many entries were read, of how many, and the paths of damaged ones and of results with missing files."""

    read: int
    entries: int
    damaged: list[Path]


def examine(folder: Path, most: float = math.inf) -> Examination:
    """Read the entries that were used last, at most `most` bytes, and change nothing."""
    entries = list(_entries(folder))
    newest = sorted(entries, key=lambda entry: -entry.used)
    read = [entry for entry, before in zip(newest, _sums(newest), strict=True) if before < most]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        sound = pool.map(_is_sound, read)
        damaged = [entry.path for entry, is_sound in zip(read, sound, strict=True) if not is_sound]
    there = {entry.path.name for entry in entries if entry.part == "cas"} - {path.name for path in damaged}
    results = [entry.path for entry in entries if entry.part == "ac" and entry.path not in damaged]
    damaged += [path for path in results if not there.issuperset(_files_of(path))]
    return Examination(len(read), len(entries), damaged)


def _sums(entries: Iterable[_Entry]) -> Iterator[int]:
    """Yield for each entry the size of those before it."""
    before = 0
    for entry in entries:
        yield before
        before += entry.size


def collect(folder: Path, limit: int) -> EvictionResult:
    """Evict the least recently used entries until the rest fits into `limit` bytes.

    A result is evicted before the files that it names, so it never names a missing file. Does nothing while another
    process collects.
    """
    entries = _oldest_first(list(_entries(folder)))
    left = sum(entry.size for entry in entries)
    gone = freed = 0
    with _alone(folder) as alone:
        for entry in entries if alone else ():
            unfinished = entry.path.name.startswith(".") and time.time() - entry.used > _ABANDONED
            if left - freed > limit or unfinished:
                entry.path.unlink(missing_ok=True)
                gone, freed = gone + 1, freed + entry.size
    return EvictionResult(gone, freed, left - freed)


def _oldest_first(entries: list[_Entry]) -> list[_Entry]:
    """A file counts as used when a result that names it was used: results are looked up without their files."""
    used: dict[str, float] = {}
    for entry in entries:
        for name in _files_of(entry.path) if entry.part == "ac" else ():
            used[name] = max(used.get(name, 0.0), entry.used)
    known = [replace(entry, used=max(entry.used, used.get(entry.path.name, 0.0))) for entry in entries]
    return sorted(known, key=lambda entry: (entry.used, entry.part != "ac"))


def _files_of(path: Path) -> tuple[digest.Hash, ...]:
    """Return the digests of the files that a result names; empty if it is damaged or gone."""
    from ostoo_build.remote import results  # noqa: PLC0415 - a build looks after the cache now and then only

    try:
        return results.files_of(path.read_bytes().partition(b"\n")[2])
    except (OSError, ValueError):
        return ()


def collect_if_due(folder: Path, limit: int) -> None:
    """Run `collect` unless that was done in the last minutes. Raises `OSError` if the folder can't be written."""
    looked_at = folder / "collected"
    state_file.make_way(looked_at)
    if not looked_at.exists() or abs(time.time() - looked_at.stat().st_mtime) > _PAUSE:
        looked_at.touch()
        collect(folder, limit)


def clear(folder: Path) -> None:
    """Remove all entries."""
    for entry in _entries(folder):
        entry.path.unlink(missing_ok=True)
    for part in PARTS:
        for place, _, _ in os.walk(folder / part, topdown=False):
            with contextlib.suppress(OSError):  # there is a foreign file, or a build just created one
                Path(place).rmdir()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    lock = FileLock(folder / "collecting")
    try:
        state_file.make_way(folder / "collecting")
        if folder.is_dir():
            lock.acquire(timeout=0)
    except (Timeout, OSError):  # where no file can be created, none can be removed either
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _entries(folder: Path) -> Iterator[_Entry]:
    for part in PARTS:
        for place, _, names in os.walk(folder / part):
            for name in names:
                path = Path(place, name)
                if not cache_folder.is_entry(part, path):
                    continue
                with contextlib.suppress(FileNotFoundError):  # another process evicted it
                    status = path.lstat()
                    yield _Entry(part, path, status.st_blocks * 512, status.st_mtime)


def _is_sound(entry: _Entry) -> bool:
    if entry.path.name.startswith(".") or entry.part not in ("ac", "cas"):
        return True
    try:
        with state_file.opened(entry.path) as stream:
            data = stream.read()
        if entry.part == "cas":
            return digest.of_bytes(zstandard.ZstdDecompressor().decompressobj().decompress(data)) == entry.path.name
    except (OSError, zstandard.ZstdError):
        return False
    checksum, _, content = data.partition(b"\n")
    return checksum == disk_cache.checksum(entry.path.name, content)
