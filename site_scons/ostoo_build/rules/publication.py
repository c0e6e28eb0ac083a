"""Publishes and deploys programs by copying them to their final path."""

from __future__ import annotations

import filecmp
import stat
from typing import TYPE_CHECKING

from ostoo_build.base import source_files
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.console import Console

_PROGRAM_MODE = 0o755


def deploy(console: Console, source: Path, destination: Path) -> None:
    """Copy a program to the deployment folder, unless it is there already."""
    if not is_published(source, destination):
        console.status("Deploying", str(destination))
        _put(source, destination)


def publish(source: Path, destination: Path) -> None:
    """Put a file in its final place atomically, replacing the former one."""
    if not is_published(source, destination):
        _put(source, destination)


def _put(source: Path, destination: Path) -> None:
    try:
        source_files.copy_whole(source, destination, _PROGRAM_MODE)
    except OSError as error:
        raise OstooError(f"can't write {destination}: {error.strerror}", where=str(destination.parent)) from error


def is_published(source: Path, destination: Path) -> bool:
    """Whether the published file equals its source; a modified copy is replaced."""
    try:
        status = destination.lstat()
        is_program = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == _PROGRAM_MODE
        return is_program and filecmp.cmp(source, destination, shallow=False)
    except OSError:
        return False
