"""Provides lock files, which keep two processes from fetching or collecting the same thing at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock

from ostoo_build.base import state_file

if TYPE_CHECKING:
    from pathlib import Path


def of_file(path: Path) -> FileLock:
    """Return the lock for `path`; anything else in its place is removed. Raises `OSError` if that fails."""
    state_file.make_way(path)
    return FileLock(path)
