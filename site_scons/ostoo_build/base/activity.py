"""Lists what this process does for long besides actions, such as downloads: for who shows it, and for nobody else."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class Activity:
    """Something that takes long; `began` is a `time.monotonic` value.

    `fetched` returns the bytes that are there so far, None if nothing is fetched. `expected` is their final number, 0
    if unknown.
    """

    verb: str
    subject: str
    fetched: Callable[[], int] | None = None
    expected: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def progress(self) -> str:
        """Return what is known of its progress: `12 of 80 MB, 5 s`."""
        seconds = f"{time.monotonic() - self.began:.0f} s"
        size = self.fetched() if self.fetched is not None else 0
        if not size:
            return seconds
        return f"{size / _MB:.0f}{f' of {self.expected / _MB:.0f}' if self.expected else ''} MB, {seconds}"


_MB = 1_000_000

_running: list[Activity] = []


def running() -> tuple[Activity, ...]:
    """Return what goes on now, what began first first."""
    return tuple(_running)


def sentence() -> str:
    """Return what goes on in one line: `zig (12 of 80 MB, 5 s)`."""
    return ", ".join(f"{each.subject} ({each.progress})" for each in running())


@contextmanager
def during(activity: Activity) -> Iterator[None]:
    """Let an activity go on until the end of the block."""
    _running.append(activity)
    try:
        yield
    finally:
        _running.remove(activity)


def of_folder(folder: Path) -> Callable[[], int]:
    """Return what tells by how many bytes the files in a folder have grown since this call."""
    before = _in_folder(folder)
    return lambda: max(0, _in_folder(folder) - before)


def of_files(paths: Collection[Path]) -> Callable[[], int]:
    """Return what tells the size of these files; those that are not there yet count as empty."""
    return lambda: sum(map(_of_file, paths))


def _of_file(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _in_folder(folder: Path) -> int:
    """Return the bytes in the files of a folder, which others may write to and remove."""
    found = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found += _in_folder(folder / entry.name)
                else:
                    found += entry.stat(follow_symlinks=False).st_size
    except OSError:
        pass
    return found
