"""The set-up that is checked: the project, its variables, its toolchain."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout, user_cache
from ostoo_build.base.errors import OstooError
from ostoo_build.doctor.verdict import PrerequisiteError
from ostoo_build.invocation import tools as invocation_tools
from ostoo_build.invocation.options import Options
from ostoo_build.invocation.targets import Targets
from ostoo_build.project import description
from ostoo_build.project import variables as build_variables
from ostoo_build.sysroot.contract import MACHINES
from ostoo_build.toolchain import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ostoo_build.sysroot.contract import Machine
    from ostoo_build.toolchain.find import Choice, Toolchain


def existing(place: Path) -> Path:
    """Return a folder, or the nearest one above that is there."""
    return next(folder for folder in (place, *place.absolute().parents) if folder.is_dir())


class Subject(Struct, frozen=True, dict=True):
    """`place` is the project's folder, None outside of one; `words` are the command line's `VARIABLE=VALUE`.

    A property raises `PrerequisiteError` if what it needs is broken, and a method `OstooError`.
    """

    place: Path | None
    words: Sequence[str]
    environ: Mapping[str, str]

    @property
    def root(self) -> Path:
        if self.place is None:
            raise PrerequisiteError("project")
        return self.place

    @property
    def build(self) -> Path:
        """The nearest folder that is there, from the build folder upwards."""
        return existing(self.root / layout.BUILD)

    def read_options(self) -> Options:
        described = description.read(self.root)
        words = dict(word.split("=", 1) for word in self.words)
        return Options(build_variables.values(described.variables, words), described=described)

    def find_targets(self) -> Targets:
        options = self.read_options()
        return Targets.find(self.root, options.described, options.variables["target"])

    @cached_property
    def options(self) -> Options:
        try:
            return self.read_options()
        except OstooError as error:
            raise PrerequisiteError("project") from error

    @cached_property
    def targets(self) -> Targets:
        try:
            return self.find_targets()
        except OstooError as error:
            raise PrerequisiteError("project") from error

    @cached_property
    def machines(self) -> Mapping[str, Machine]:
        """The processors of the targets that builds are for, by target, as far as there is musl for them."""
        try:
            archs = {target: self.targets.spec(target).arch for target in self.targets.asked}
        except OstooError as error:
            raise PrerequisiteError("targets") from error
        return {target: MACHINES[arch] for target, arch in archs.items() if arch in MACHINES}

    @property
    def variables(self) -> Mapping[str, str]:
        return self.options.variables

    @property
    def cache(self) -> Path | None:
        """The folder of the action cache, None if there is none."""
        word = self.variables["cache"]
        return None if word == "off" else user_cache.chosen(word)

    def choose_toolchain(self) -> Choice:
        return find.choose(self.root, invocation_tools.named(self.variables), self.environ)

    @cached_property
    def toolchain(self) -> Toolchain:
        try:
            return self.choose_toolchain().toolchain
        except OstooError as error:
            raise PrerequisiteError("toolchain") from error
