"""Recognises this build's cache folders, so that nothing is removed from any other folder.

The tag is that of the Cache Directory Tagging Specification, with our name in it; backup programs skip such a folder.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from ostoo_build.base import state_file, user_cache
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from pathlib import Path

TAG = "CACHEDIR.TAG"
_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n"
_CONTENT = (
    _SIGNATURE
    + b"""\
# This folder is an action cache of ostoo-build. Deleting it costs time only.
"""
)

PARTS = ("ac", "cas", user_cache.PLANS, user_cache.TOOLCHAINS)
"""The parts of the user's cache folder: results, files, plans, and toolchain digests."""

OTHERS = frozenset({TAG, "collected", "collecting", user_cache.COMPILERS, user_cache.DOCUMENTS})
"""The single files in it."""

_SHARDED = frozenset({"ac", "cas"})
_UNFINISHED = lazy_pattern(r"\..+")
_BEGUN = lazy_pattern(rf"\.({'|'.join(map(re.escape, sorted(OTHERS)))})\.\d+\.[0-9a-f]{{8}}")
_SHARD = lazy_pattern("[0-9a-f]{2}")
_ENTRY = lazy_pattern(r"[0-9a-f]{64}(\.[0-9])?(\.json)?")
"""A digest; plans that are not the newest have their age behind it."""


def is_ours(folder: Path) -> bool:
    """Whether a folder is a cache of this build; a missing or empty one may become one."""
    try:
        found = state_file.read(folder / TAG)
    except OSError:
        found = b""
    return found == _CONTENT or (not found.startswith(_SIGNATURE) and _looks_ours(folder))


def claim(folder: Path) -> None:
    """Mark a folder as a cache of this build. Raises `OSError` if that fails or the folder contains other things."""
    if not (folder / TAG).exists() and (folder.is_dir() or not folder.exists()):
        if not is_ours(folder):
            raise OSError(errno.EEXIST, "it contains other files, and is not a cache of this build", str(folder))
        state_file.replace(folder / TAG, _CONTENT, 0o666)


def is_entry(part: str, path: Path) -> bool:
    """Whether a file in one of the parts is an entry, finished or not."""
    name = path.name
    placed = part not in _SHARDED or path.parent.name == name[:2]
    return bool(_UNFINISHED.fullmatch(name) or (_ENTRY.fullmatch(name) and placed))


def _looks_ours(folder: Path) -> bool:
    """Caches of earlier versions have no tag; they contain only entries of those versions."""
    try:
        # another process may be about to write the tag, or was killed while writing a note
        names = {entry.name for entry in folder.iterdir() if not _BEGUN.fullmatch(entry.name)}
        shards = [entry.name for part in names & _SHARDED for entry in (folder / part).iterdir()]
        notes = [entry.name for part in (names & set(PARTS)) - _SHARDED for entry in (folder / part).iterdir()]
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return (
        names <= {*PARTS, *OTHERS}
        and all(_SHARD.fullmatch(name) or _UNFINISHED.fullmatch(name) for name in shards)
        and all(_ENTRY.fullmatch(name) or _UNFINISHED.fullmatch(name) for name in notes)
    )
