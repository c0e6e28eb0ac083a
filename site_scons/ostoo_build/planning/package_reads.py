"""Observes the files of packages that plans were made from, once for all programs that are planned together."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base import stamps
from ostoo_build.base.read_set import ReadSet, refuse_touched
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import package_places

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


class PackageReads(Struct, frozen=True):
    """Compares packages as they are now with `before`, the snapshot that plans were made from.

    Create it when the plans are made: it reads each file once. `folder` is the workspace's, `began` the time in
    nanoseconds from which a change counts, `known` the paths, relative to `folder`, that were read before that.
    """

    folder: Path
    before: Snapshot
    began: int
    known: Collection[str]
    _now: Snapshot = field(default_factory=Snapshot)

    def of(self, manifests: Iterable[Path], sources: Iterable[Path]) -> ReadSet | None:
        """Return what cargo read to plan packages and to find the root files of crates; None if it may have changed.

        Raises `OstooError` if a file of a package changed.
        """
        packages = [self._now.get(("package", path), partial(self._of_package, path)) for path in manifests]
        crates = [self._now.get(("crate", path), partial(self._observed, (), (path,))) for path in sources]
        contents, places = {}, {}
        for each in (*packages, *crates):
            if each is None:
                return None
            contents.update(each.contents)
            places.update(each.places)
        return ReadSet(dict(sorted(contents.items())), dict(sorted(places.items())))

    def _of_package(self, manifest: Path) -> ReadSet | None:
        contents = (*package_places.of_package(manifest, self.folder),)
        refuse_touched(self.began, contents, self.folder)
        return self._observed(contents, ())

    def _observed(self, contents: tuple[Path, ...], places: tuple[Path, ...]) -> ReadSet | None:
        unforeseen = (path for path in (*contents, *places) if not self._is_known(path))
        if any(stamps.may_be_touched_since(self.began, path) for path in unforeseen):
            return None
        found = ReadSet.of(contents, places, self.folder, self.before)
        return found if found == ReadSet.of(contents, places, self.folder, self._now) else None

    def _is_known(self, path: Path) -> bool:
        """Whether a path, or the listing of its folder, was read before."""
        return any(os.path.relpath(each, self.folder) in self.known for each in (path, path.parent))
