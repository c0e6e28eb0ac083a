"""The targets for which programs are built, and their specs."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base.snapshot import Snapshot
from ostoo_build.project import workspaces
from ostoo_build.project.description import Description
from ostoo_build.project.target_files import TargetFiles
from ostoo_build.target import spec as target_spec

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.project.workspaces import ProgramGroup
    from ostoo_build.target.spec import TargetSpec


class Targets(Struct, frozen=True):
    """The groups of programs with their targets; those of some groups are named by `target=`."""

    root: Path
    groups: tuple[ProgramGroup, ...]
    described: Description = field(default_factory=Description)
    _snapshot: Snapshot = field(default_factory=Snapshot)

    @staticmethod
    def find(root: Path, described: Description, words: str) -> Targets:
        """Parse `target=`, and find the workspaces."""
        asked = tuple(dict.fromkeys(words.split(",")))
        return Targets(root, workspaces.find(root, described, asked), described)

    @property
    def files(self) -> TargetFiles:
        return TargetFiles(self.root, self.described)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(group.targets for group in self.groups)))

    @property
    def asked(self) -> tuple[str, ...]:
        """Return the targets of `target=`, or all where it names none."""
        found = chain.from_iterable(group.targets for group in self.groups if group.is_asked)
        return tuple(dict.fromkeys(found)) or self.names

    def named(self, subject: str, target: str) -> str:
        """Return a step's name for the user, with the target if there are several."""
        return f"{subject} for {target}" if target and len(self.names) > 1 else subject

    def spec_file(self, target: str) -> Path:
        """Return a target spec's file. Raises `OstooError` if there is none of that name."""
        return self.files.spec(target)

    def policy(self, target: str) -> Path | None:
        """Return the file of the requirements for a target's spec, if there is one."""
        path = self.files.policy(target)
        return path if path.is_file() else None

    def spec(self, target: str) -> TargetSpec:
        return self._snapshot.get(target, partial(target_spec.load, self.spec_file(target)))
