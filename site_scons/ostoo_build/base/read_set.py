"""Records the files that an answer was computed from, to check later whether it is still valid."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest, stamps
from ostoo_build.base.input import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ostoo_build.base.snapshot import Snapshot


class ReadSet(Struct, frozen=True):
    """The observed state of paths: `contents` covers file contents or folder entries, `places` the type only.

    Both include where the path leads if there are links on the way: a retargeted link is a different answer. Paths are
    relative to a folder, so that they mean the same in every checkout.
    """

    contents: dict[str, str]
    places: dict[str, str]

    @staticmethod
    def of(contents: Iterable[Path], places: Iterable[Path], folder: Path, snapshot: Snapshot) -> ReadSet:
        """Observe files and folders, with paths relative to `folder`."""
        read, found = ({os.path.relpath(path, folder) for path in paths} for paths in (contents, places))
        base = os.path.realpath(folder)
        return ReadSet(
            {path: _seen(base, path, _contents, snapshot) for path in sorted(read)},
            {path: _seen(base, path, _place, snapshot) for path in sorted(found)},
        )

    def is_current(self, folder: Path, snapshot: Snapshot) -> bool:
        base = os.path.realpath(folder)
        return all(_seen(base, path, _contents, snapshot) == known for path, known in self.contents.items()) and all(
            _seen(base, path, _place, snapshot) == known for path, known in self.places.items()
        )


def observed(snapshot: Snapshot) -> list[Path]:
    """Return all paths that read sets observed in this snapshot."""
    return [Path(what[1]) for what in snapshot if isinstance(what, tuple) and what[0] in (_contents, _place)]


def read(snapshot: Snapshot) -> list[Path]:
    """Return those of them whose contents they observed."""
    return [Path(what[1]) for what in snapshot if isinstance(what, tuple) and what[0] is _contents]


def refuse_touched(began: int, paths: Iterable[Path], folder: Path) -> None:
    """Raise `OstooError` if a file changed after the time `began`, in nanoseconds; it is named relative to `folder`."""
    for path in paths:
        if stamps.is_touched_since(began, path):
            raise changed(os.path.relpath(path, folder))


# strings in place of paths, below: creating a Path for each entry costs more than the check itself


def _seen(base: str, path: str, observe: Callable[[str], str], snapshot: Snapshot) -> str:
    place = os.path.normpath(os.path.join(base, path))  # noqa: PTH118
    return snapshot.get((observe, place), partial(_observe, base, place, observe, snapshot))


def _observe(base: str, place: str, observe: Callable[[str], str], snapshot: Snapshot) -> str:
    goal = _goal(place, snapshot)
    return observe(goal) if goal == place else f"{os.path.relpath(goal, base)}: {observe(goal)}"


def _goal(place: str, snapshot: Snapshot) -> str:
    """Resolve a path; each folder on the way is read once per snapshot."""
    return snapshot.get(("goal", place), partial(_find_goal, place, snapshot))


def _find_goal(place: str, snapshot: Snapshot) -> str:
    folder, name = os.path.split(place)
    if not name:
        return place
    found = os.path.join(_goal(folder, snapshot), name)  # noqa: PTH118
    return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114


def _contents(path: str) -> str:
    try:
        if os.path.isdir(path):  # noqa: PTH112
            with os.scandir(path) as entries:
                return digest.of_json(sorted(map(_listed, entries)))
        with digest.opened(path) as stream:
            return digest.of_bytes(stream.read())
    except OSError:
        return ""


def _listed(entry: os.DirEntry[str]) -> list[str]:
    """Describe an entry in a folder's listing: its name, whether it is a folder, and its target if it is a link."""
    return [entry.name, "/" * entry.is_dir(), os.readlink(entry.path) if entry.is_symlink() else ""]  # noqa: PTH115


def _place(path: str) -> str:
    if os.path.isdir(path):  # noqa: PTH112
        return "folder"
    return "file" if os.path.exists(path) else ""  # noqa: PTH110
