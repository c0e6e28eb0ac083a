"""Hashes a toolchain's contents, again only when one of its files changed. Does not know who uses which part."""

from __future__ import annotations

import json
import marshal
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.digest import Hash
    from ostoo_build.toolchain import Toolchain

_NEVER_COMPILED = frozenset({"tests", "benches", "examples", "coretests", "alloctests"})
"""Folders of the std source that no build of std reads: a quarter of its files."""

Stamp = tuple[str, int, int, int, int]
"""A file's path, and what changes with its contents: size, mtime and ctime in ns, inode."""


def of(toolchain: Toolchain, memos: Path) -> Hash:
    """Digest of the compiler, cargo, LLD, std for the host and std's source: no path of this machine is in it.

    The folder `memos` remembers it by what `stat` says of every file: an unchanged toolchain is not read again.
    Raises `OSError` where a file can't be read.
    """
    memo_file = memos / f"{digest.of_bytes(os.fsencode(toolchain.rustc))}.json"
    stamps = [_stamps(place) for _, place in _places(toolchain)]
    state = digest.of_bytes(marshal.dumps(stamps))
    if (known := _recall(memo_file, state)) is not None:
        return known
    whole = digest.of_json(sorted(_contents(toolchain, stamps)))
    _remember(memo_file, state, whole)
    return whole


def _places(toolchain: Toolchain) -> Iterator[tuple[str, Path]]:
    """The files and folders that are the toolchain, each with the name that it has on every machine."""
    yield from ((f"compiler/{path.name}", path) for path in toolchain.libraries)
    yield from (("host", toolchain.host_std), ("library", toolchain.rust_src))


def _stamps(place: Path) -> list[Stamp]:
    """Sorted. A loop, nothing more elegant: most of what a build without work does is waiting for it."""
    if not place.is_dir():
        return [_stamp(str(place), place.stat())]
    found: list[Stamp] = []
    folders = [str(place)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    found.append(_stamp(entry.path, entry.stat()))
                elif entry.name not in _NEVER_COMPILED:
                    folders.append(entry.path)
    return sorted(found)


def _stamp(path: str, status: os.stat_result) -> Stamp:
    return path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _contents(toolchain: Toolchain, stamps: list[list[Stamp]]) -> Iterator[tuple[str, Hash]]:
    """All files with their names on every machine and their digests."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for (name, place), files in zip(_places(toolchain), stamps, strict=True):
            paths = [Path(path) for path, *_ in files]
            for path, content in zip(paths, threads.map(digest.of_file, paths), strict=True):
                yield f"{name}/{path.relative_to(place)}", content


def _recall(memo_file: Path, state: str) -> Hash | None:
    try:
        memo = json.loads(memo_file.read_text(encoding="utf-8"))
        return str(memo["digest"]) if memo["state"] == state else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(memo_file: Path, state: str, whole: Hash) -> None:
    memo_file.parent.mkdir(parents=True, exist_ok=True)
    temporary = memo_file.with_name(f"{memo_file.name}.{os.getpid()}")
    temporary.write_text(json.dumps({"state": state, "digest": whole}), encoding="utf-8")
    temporary.replace(memo_file)
