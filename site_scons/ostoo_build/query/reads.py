"""Defines `Reads`: names of files and folders, and whether a change reaches them."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.query.changes import Change

_LINKS = 40
"""The most links on the way to a file, as in Linux."""


class Reads(Struct, frozen=True, dict=True):
    """Absolute paths, which may be missing.

    Of `files` the contents are read, of `folders` all that is in them, of `listed` folders the entries, of `walked`
    folders the entries and those of all folders in them.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    walked: frozenset[str] = frozenset()

    def is_reached(self, change: Change) -> bool:
        """Whether a change may reach what is read. A link is changed for all that is read through it."""
        path = change.path
        if path in self._names or not self.folders.isdisjoint(_above(path)):
            return True
        above = list(_above(path))[1:]
        return change.is_entry and (above[0] in self.listed or not self.walked.isdisjoint(above))

    @cached_property
    def _names(self) -> frozenset[str]:
        """All paths that are read, with those of links on the way, and the folders that they are in."""
        read = {*self.files, *self.folders, *self.listed, *self.walked}
        through = {path for name in read for path in _through(name)}
        return frozenset(path for name in read | through for path in _above(name) if path != "/")


def _above(path: str) -> Iterator[str]:
    """Yield a path and all folders that it is in, the nearest first."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _through(path: str) -> Iterator[str]:
    """Yield the paths to which links on the way lead, one after the other."""
    for _ in range(_LINKS):
        link = next((each for each in reversed(list(_above(path))) if os.path.islink(each)), None)  # noqa: PTH114
        if link is None:
            return
        goal = os.path.join(os.path.dirname(link), os.readlink(link))  # noqa: PTH115, PTH118, PTH120
        path = os.path.normpath(goal + path[len(link) :])
        yield path
