"""Compares files by their `stat` data, and knows when equal data proves equal contents.

A file system's clock ticks: two changes within a tick get the same time, which may be up to a tick behind the clock
that programs read. So a stamp proves unchanged contents only if a tick passed after the last change.

This module imports nothing that Python has not already loaded, so that `null_build` can use it.
"""

from __future__ import annotations

import os
import time

from ostoo_build.base import target_folder

TYPE_CHECKING = False
if TYPE_CHECKING:  # loading `typing` takes longer than everything else
    from pathlib import Path

Stamp = list[int]
"""Size, mtime and ctime in nanoseconds, inode. Equal stamps of a settled file mean unchanged contents."""

Stamps = dict[str, "Stamp | None"]
"""Stamps by absolute path; None for a missing file, and `FOLDER` for a folder in a tree."""

FOLDER: Stamp = []
"""The stamp of a folder in a tree: its entries have stamps of their own."""

Tree = tuple[str, list[str]]
"""A folder, and the top-level names in it that are ignored; or `WHOLE`, if nothing in it is."""

WHOLE = ["/"]
"""No entry has this name."""

_CODE = ("/site_scons/", "/ostoo_build/", "/ostoo_scons/")
"""Folders of this build's code, in a checkout or installed."""

_SECOND = 1_000_000_000

TICK = _SECOND // 50
"""Upper bound of a file system's tick in nanoseconds; four milliseconds are usual, ten the maximum."""

_COARSE_TICK = 2 * _SECOND
"""The same for file systems that store whole seconds only."""

DRIFT = 2 * _SECOND
"""Maximum difference in nanoseconds between the clocks of this machine and a file server."""


def of(path: str | os.PathLike[str]) -> Stamp:
    """Return the stamp of a file, following links. Raises `OSError`."""
    return of_status(os.stat(path))  # noqa: PTH116 - no pathlib here


def of_status(status: os.stat_result) -> Stamp:
    """Convert the result of `stat` or `lstat` to a stamp."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def of_tree(tree: Tree) -> Stamps:
    """Return the stamps of all files and folders in a tree, a folder before its entries. Raises `OSError`.

    Compiled Python modules, `.git` and cargo's output folders are left out, unless the tree is `WHOLE`.
    """
    top, skipped = tree[0], frozenset(tree[1])
    whole = tree[1] == WHOLE
    folders = [top]
    found: Stamps = {}
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name in skipped and folder == top:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if name == "__pycache__" and not whole and any(place in entry.path for place in _CODE):
                        continue  # Python writes compiled modules there, even during a build
                    if whole or (name != ".git" and not (name == "target" and target_folder.is_target(entry.path))):
                        folders.append(entry.path)
                    found[entry.path] = FOLDER
                else:
                    found[entry.path] = of_status(entry.stat())
    return found


def touched_at(stamp: Stamp) -> int:
    """Return when the file last changed, by its file system's clock: the ctime, which no program can set."""
    return stamp[2]


def is_settled(stamp: Stamp) -> bool:
    """Whether a tick has passed since the last change, so that the next change must give another stamp."""
    _size, mtime, ctime, _inode = stamp
    return _ticked(max(mtime, ctime)) < time.time_ns()


def is_touched_since(began: int, path: Path) -> bool:
    """Whether a file, or a link to it, changed after the time `began`, in nanoseconds.

    Its contents may be back to what was hashed, and may have been different for a program that read it in between. The
    file system's clock may be a tick behind ours; no program starts to read within that time.
    """
    return path.is_file() and max(path.stat().st_ctime_ns, path.lstat().st_ctime_ns) >= began


def may_be_touched_since(began: int, path: Path) -> bool:
    """Whether a file may have changed after the time `began`, in nanoseconds; false if it doesn't exist."""
    try:
        touched = path.lstat().st_ctime_ns
    except OSError:
        return False
    return _ticked(touched) >= began


def may_be_of(stamp: Stamp, began: int) -> bool:
    """Whether a stamp may be of a change after the time `began`, in nanoseconds."""
    return _ticked(touched_at(stamp)) >= began


def wait_for_tick(touched: int) -> None:
    """Wait until the next change gets a later time than `touched`. Never waits longer than a tick."""
    time.sleep(min(max(touched + TICK - time.time_ns(), 0), TICK) / _SECOND)


def _ticked(changed: int) -> int:
    """Return the latest moment, by our clock, of a change with the given time."""
    return changed + (TICK if changed % _SECOND else _COARSE_TICK)
