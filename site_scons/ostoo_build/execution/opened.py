"""Records which files of some folders are opened while a process runs, by any process.

The kernel reports each `open` in a watched folder (inotify), under the name that links lead to. For a file with
several hard links it reports one name, which may be in another folder; such a file counts as opened.
"""

from __future__ import annotations

import ctypes
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_OPEN, _OVERFLOW, _IGNORED, _UNMOUNT = 0x20, 0x4000, 0x8000, 0x2000
_ONLY_FOLDERS = 0x01000000
_LOST = _OVERFLOW | _IGNORED | _UNMOUNT
"""Events which mean that others were lost."""

_EVENT = struct.Struct("iIII")
_MANY = 1 << 16


@dataclass
class OpenedFiles:
    """The opened files, by all of their names; `is_known` says whether the list is complete."""

    files: set[Path]
    is_known: bool


@contextmanager
def watched(files: Collection[Path]) -> Iterator[OpenedFiles]:
    """Watch files while the block runs; the result is complete afterwards."""
    found = OpenedFiles(set(), is_known=False)
    goals = {file: Path(os.path.realpath(file)) for file in files}
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        yield found
        return
    try:
        places = {}
        for folder in {goal.parent for goal in goals.values()}:
            places[library.inotify_add_watch(descriptor, os.fsencode(folder), _OPEN | _ONLY_FOLDERS)] = folder
        yield found
        told = list(_told(descriptor))
    finally:
        os.close(descriptor)
    if not any(place < 0 for place in places) and not any(mask & _LOST for _, mask, _ in told):
        names = {places[place] / name for place, _, name in told}
        found.files |= {file for file, goal in goals.items() if goal in names or _has_other_names(goal)}
        found.is_known = True


def _told(descriptor: int) -> Iterator[tuple[int, int, str]]:
    """Yield the kernel's events: the watch, the mask, and the name within the folder."""
    while True:
        try:
            data = os.read(descriptor, _MANY)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            place, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size + length
            yield place, mask, os.fsdecode(data[at - length : at].rstrip(b"\0"))


def _has_other_names(file: Path) -> bool:
    """Whether the file has further hard links; a missing file may have had some."""
    try:
        return file.lstat().st_nlink != 1
    except OSError:
        return True
