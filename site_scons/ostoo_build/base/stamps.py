"""Compares files by their `stat` data, and knows when equal data proves equal contents.

A file system's clock ticks: two changes within a tick get the same time, which may be up to a tick behind the clock
that programs read. So a stamp proves unchanged contents only if a tick passed after the last change.

This module imports nothing that Python has not already loaded, so that `null_build` can use it.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # loading `typing` takes longer than everything else
    from pathlib import Path

Stamp = list[int]
"""Size, mtime and ctime in nanoseconds, inode. Equal stamps of a settled file mean unchanged contents."""

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


def wait_for_tick(touched: int) -> None:
    """Wait until the next change gets a later time than `touched`. Never waits longer than a tick."""
    time.sleep(min(max(touched + TICK - time.time_ns(), 0), TICK) / _SECOND)


def _ticked(changed: int) -> int:
    """Return the latest moment, by our clock, of a change with the given time."""
    return changed + (TICK if changed % _SECOND else _COARSE_TICK)
