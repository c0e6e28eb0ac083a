"""Locks between processes that fetch or collect something. Does not know what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock

from ostoo_build.base import state_file

if TYPE_CHECKING:
    from pathlib import Path


def of_file(path: Path) -> FileLock:
    """The lock that a file is, whatever lies in its place: that is taken away. Raises `OSError` where it can't be."""
    state_file.make_way(path)
    return FileLock(path)
