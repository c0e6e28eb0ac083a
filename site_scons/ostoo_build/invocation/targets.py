"""The targets for which programs are built, and their specs."""

from __future__ import annotations

import os
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base import layout, spelling
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import discovery
from ostoo_build.target import spec as target_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ostoo_build.target.spec import TargetSpec


class Targets(Struct, frozen=True):
    """The targets of each workspace, by its folder; those of `user-rs` are named by `target=`."""

    root: Path
    by_folder: Mapping[str, tuple[str, ...]]
    _snapshot: Snapshot = field(default_factory=Snapshot)

    @staticmethod
    def find(root: Path, words: str) -> Targets:
        """Parse `target=`, and find the workspaces beside `user-rs`."""
        asked = tuple(dict.fromkeys(words.split(",")))
        others = {folder: (target,) for folder, target in discovery.others(root).items()}
        return Targets(root, {discovery.USER: asked, **others})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(self.by_folder.values())))

    @property
    def of_user(self) -> tuple[str, ...]:
        """Return the targets of `target=`."""
        return self.by_folder[discovery.USER]

    def named(self, subject: str, target: str) -> str:
        """Return a step's name for the user, with the target if there are several."""
        return f"{subject} for {target}" if target and len(self.names) > 1 else subject

    def spec_file(self, target: str) -> Path:
        """Return a target spec's file. Raises `OstooError` if there is none of that name."""
        path = self.root / layout.spec(target)
        if "/" in target or not target or not os.path.isfile(path):  # noqa: PTH113 - it takes a name of any length
            known = [spec.stem for spec in path.parent.glob("*.json") if "." not in spec.stem]
            remedy = spelling.one_of(target, known)
            raise OstooError(f"there is no target {target}", where=str(path.parent), remedy=remedy)
        return path

    def spec(self, target: str) -> TargetSpec:
        return self._snapshot.get(target, partial(target_spec.load, self.spec_file(target)))
