"""What `stat` says of a file, and for how long it tells one state of the file from the next. Does not read files.

A file system's clock ticks: two changes within a tick have one time, and the time that a change gets lies up to a tick
behind the clock that programs read. So a stamp vouches for contents only once a tick has passed since the last change.

Nothing is imported here that Python has not loaded already, so that `null_build` may.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to load than all the rest
    from pathlib import Path

Stamp = list[int]
"""Size, mtime and ctime in nanoseconds, inode: equal stamps of a settled file mean unchanged contents."""

_SECOND = 1_000_000_000

TICK = _SECOND // 50
"""Nanoseconds that a file system's clock stands still at most: four milliseconds are usual, ten the most."""

_COARSE_TICK = 2 * _SECOND
"""Likewise where it keeps whole seconds only."""

DRIFT = 2 * _SECOND
"""Nanoseconds that the clock of another machine, a server of files, may be apart from ours."""


def of(path: str | os.PathLike[str]) -> Stamp:
    """Look at a file; through a link, at what it leads to. Raises `OSError` where it can't."""
    return of_status(os.stat(path))  # noqa: PTH116 - no pathlib here


def of_status(status: os.stat_result) -> Stamp:
    """The stamp of what `stat`, or `lstat`, was asked about."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def touched_at(stamp: Stamp) -> int:
    """When a file was last touched, by its file system's clock: nobody can set that."""
    return stamp[2]


def is_settled(stamp: Stamp) -> bool:
    """Whether the next change of a file must give it another stamp: its clock has ticked since the last one."""
    _size, mtime, ctime, _inode = stamp
    return _ticked(max(mtime, ctime)) < time.time_ns()


def is_touched_since(began: int, path: Path) -> bool:
    """Whether a file, or a link to it, was touched since a time in nanoseconds.

    It may be again what it was when it was hashed, and was another for who read it meanwhile. The file system's clock
    may be a tick behind ours: no program begins to read so soon.
    """
    return path.is_file() and max(path.stat().st_ctime_ns, path.lstat().st_ctime_ns) >= began


def may_be_touched_since(began: int, path: Path) -> bool:
    """Whether a file was, or may have been, touched since a time in nanoseconds; what is not there was not."""
    try:
        touched = path.lstat().st_ctime_ns
    except OSError:
        return False
    return _ticked(touched) >= began


def wait_for_tick(touched: int) -> None:
    """Wait until a change gives another time than the last one, at `touched`, did. Never longer than a tick."""
    time.sleep(min(max(touched + TICK - time.time_ns(), 0), TICK) / _SECOND)


def _ticked(changed: int) -> int:
    """The latest moment, by our clock, of a change with that time."""
    return changed + (TICK if changed % _SECOND else _COARSE_TICK)
