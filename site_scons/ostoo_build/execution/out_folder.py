"""Normalises `OUT_DIR` to what a cache can store: regular files with two modes, and folders.

A link becomes a copy of its target; a broken link, one that leads to a folder above it, a pipe and a socket are
removed.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.input import is_executable
from ostoo_build.base.source_files import copy_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE, _PROGRAM, _FOLDER = 0o644, 0o755, 0o755


def settle(folder: Path) -> tuple[str, ...]:
    """Normalise a folder and return where links led out of it. Raises `OSError` for a target that can't be copied.

    The target of such a link is an input of the build script: a change of it changes the result.
    """
    led = tuple(_leading_out(folder))
    _settle(folder, (os.path.realpath(folder),))
    return led


def _leading_out(folder: Path) -> Iterator[str]:
    top = os.path.realpath(folder)
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *files)):
            goal = os.path.realpath(path)
            if path.is_symlink() and path.exists() and not (_is_in(goal, top) or _is_in(top, goal)):
                yield os.path.join(place, path.readlink())  # noqa: PTH118 - not made shorter: folders may be links


def _is_in(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def empty_folders(folder: Path) -> Iterator[Path]:
    """Yield the empty folders below `folder`."""
    for place, folders, files in os.walk(folder):
        if not folders and not files and place != str(folder):
            yield Path(place)


def _settle(folder: Path, above: tuple[str, ...]) -> None:
    """`above` holds the real paths of the enclosing folders, with the folder itself last."""
    folder.chmod(_FOLDER)
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = Path(entry.path)
        if entry.is_symlink():
            _follow(path, above)
        elif entry.is_dir():
            _settle(path, (*above, f"{above[-1]}/{entry.name}"))
        elif entry.is_file():
            _settle_file(path)
        else:
            path.unlink()


def _follow(path: Path, above: tuple[str, ...]) -> None:
    goal = Path(os.path.realpath(path))
    path.unlink()
    if goal.is_file():
        _copy(goal, path)
    elif goal.is_dir() and not any(Path(each).is_relative_to(goal) for each in above):
        path.mkdir()
        for entry in sorted(goal.iterdir()):
            (path / entry.name).symlink_to(entry)
        _settle(path, (*above, str(goal)))


def _settle_file(path: Path) -> None:
    status = path.lstat()
    if status.st_nlink > 1:
        _copy(path, path)  # a hard link of it may be a source file
    elif stat.S_IMODE(status.st_mode) != _mode(status):
        path.chmod(_mode(status))


def _copy(source: Path, target: Path) -> None:
    copy_whole(source, target, _mode(source.stat()))


def _mode(status: os.stat_result) -> int:
    return _PROGRAM if is_executable(status) else _FILE
