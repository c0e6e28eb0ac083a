"""Computes the toolchain digest; files are hashed again only if their stamps changed.

It is the digest of the folder in which actions find the toolchain, locally and remotely (see `actions.action`).
"""

from __future__ import annotations

import json
import marshal
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostoo_build.base import digest, state_file, user_cache
from ostoo_build.base import stamps as file_stamps
from ostoo_build.base.input import Input
from ostoo_build.reapi import layout as input_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.base.stamps import Stamps, Tree
    from ostoo_build.toolchain.find import Toolchain

_NEVER_COMPILED = frozenset({"tests", "benches", "examples", "coretests", "alloctests"})
"""Folders of the std source that no build of std reads: a quarter of its files."""

File = tuple[str, file_stamps.Stamp]
"""A file's path and stamp."""

Scan = dict[str, "Stamps"]
"""Stamps by path, for each folder of a toolchain."""


def of(toolchain: Toolchain, found: Scan, memos: Path) -> Input:
    """Return the digest of compiler, cargo, LLD, std for the host, and std's source, independent of their paths.

    `found` is the toolchain's `scan`. The folder `memos` stores the digest with the stamps of all files, so that an
    unchanged toolchain is not read again. Raises `OSError` if a file can't be read.
    """
    memo_file = memos / f"{digest.of_bytes(os.fsencode(toolchain.rustc))}.json"
    stamps = _stamps(toolchain, found)
    names = [name for name, _ in places(toolchain)]
    state = digest.of_bytes(marshal.dumps((names, stamps)))
    if (known := _recall(memo_file, state)) is not None:
        return known
    from ostoo_build.reapi import merkle  # noqa: PLC0415 - a start without work hashes nothing

    whole = merkle.tree(content for content, _ in _contents(toolchain, stamps))
    _remember(memo_file, state, whole.root)
    return whole.root._replace(path=input_layout.TOOLCHAIN)


def files(toolchain: Toolchain) -> list[tuple[Input, Path]]:
    """Hash all files of the toolchain, and return them with their paths in `input_layout.TOOLCHAIN`."""
    return list(_contents(toolchain, _stamps(toolchain, scan(toolchain))))


def places(toolchain: Toolchain) -> Iterator[tuple[str, Path]]:
    """Yield the files and folders of the toolchain, each with a name that is the same on every machine."""
    sysroot = toolchain.rustc.parent.parent
    for name in ("rustc", "cargo", "lld"):
        yield input_layout.TOOLS[name], getattr(toolchain, name)
    yield from ((path.relative_to(sysroot).as_posix(), path) for path in toolchain.libraries)
    yield f"lib/rustlib/{toolchain.host}/lib", toolchain.host_std
    if toolchain.host_tools.is_dir():
        yield f"lib/rustlib/{toolchain.host}/bin", toolchain.host_tools
    yield input_layout.TOOLS["rust-src"], toolchain.rust_src


def trees(toolchain: Toolchain) -> tuple[Tree, ...]:
    """Return the folders of the toolchain."""
    return tuple((str(place), file_stamps.WHOLE) for _, place in places(toolchain) if place.is_dir())


def scan(toolchain: Toolchain) -> Scan:
    """Return the stamps of all files in the toolchain's folders. Raises `OSError`."""
    return {tree[0]: file_stamps.of_tree(tree) for tree in trees(toolchain)}


def _stamps(toolchain: Toolchain, found: Scan) -> list[list[File]]:
    """Return the sorted stamps of the files at each of the `places`."""
    return [
        sorted(_compiled(str(place), found[str(place)]))
        if str(place) in found
        else [(str(place), file_stamps.of(place))]
        for _, place in places(toolchain)
    ]


def _compiled(top: str, entries: Stamps) -> Iterator[File]:
    """Yield the files that may be compiled. A plain loop over thousands of files."""
    kept = {top}
    for path, stamp in entries.items():
        folder, _, name = path.rpartition("/")
        if folder in kept:
            if stamp:
                yield path, stamp
            elif name not in _NEVER_COMPILED:
                kept.add(path)


def _contents(toolchain: Toolchain, stamps: list[list[File]]) -> Iterator[tuple[Input, Path]]:
    """Yield all files with digests, and with names that are the same on every machine."""
    for (name, place), found in zip(places(toolchain), stamps, strict=True):
        paths = [Path(path) for path, _ in found]
        for path, sha256, (_, (size, *_)) in zip(paths, digest.of_files(paths), found, strict=True):
            inner = f"{name}/{path.relative_to(place).as_posix()}" if path != place else name
            yield Input(inner, sha256, size, executable="/bin/" in f"/{inner}"), path


def _recall(memo_file: Path, state: str) -> Input | None:
    memo: Any = state_file.recall_json(memo_file)
    try:
        known = Input(input_layout.TOOLCHAIN, str(memo["digest"]), int(memo["size"]), is_folder=True)
        return known if memo["state"] == state else None
    except (ValueError, KeyError, TypeError):
        return None


def _remember(memo_file: Path, state: str, whole: Input) -> None:
    memo = {"state": state, "digest": whole.sha256, "size": whole.size}
    user_cache.note(memo_file, state_file.sealed(json.dumps(memo).encode()))
