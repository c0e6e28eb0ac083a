"""Values that all actions of an invocation share."""

from __future__ import annotations

import platform
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base import digest
from ostoo_build.base.input import Input
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.rust import build_script
from ostoo_build.toolchain import find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.planned_unit import RunBuildScript, Unit
    from ostoo_build.rust.build_script import Instructions

Inputs = tuple[Input, ...]


class Invocation(Struct, frozen=True):
    """Values that all actions of an invocation share.

    `targets` are the target specs by name, `tools` is the toolchain's folder, `environment` what its programs need.
    `machine` identifies this machine's C library and linker; it is empty if there is no linker. `with_start_files` are
    the targets whose programs begin in the C library (`crt = "musl"`). `lints` are the user's arguments for
    clippy, `for_rustdoc` those of `./ostoo doc`.
    """

    targets: Mapping[str, Input]
    tools: Input
    environment: tuple[tuple[str, str], ...]
    machine: str
    units: Mapping[str, Unit]
    with_start_files: frozenset[str] = frozenset()
    lints: tuple[str, ...] = ()
    for_rustdoc: tuple[str, ...] = ()
    _said: Snapshot = field(default_factory=Snapshot)

    def said(self, run: RunBuildScript, stdout: str) -> Instructions:
        """Parse a build script's output; equal texts are parsed once."""
        parse = partial(build_script.parse, stdout, f"{run.package}/build.rs")
        return self._said.get((run.id, stdout), parse)

    @property
    def host(self) -> str:
        """Return `machine`: host programs fit this machine only. Raises `OstooError` if there is no linker."""
        if not self.machine:
            raise find.no_linker()
        return self.machine


def of(planner: Planner, lints: tuple[str, ...], for_rustdoc: tuple[str, ...]) -> Invocation:
    """Collect the shared values for a planner."""
    chosen, targets = planner.tools.toolchain, planner.targets
    linker = chosen.host_linker
    machine = f"{chosen.host} {platform.libc_ver()[1]} {digest.of_file(linker)}" if linker else ""
    kept = tuple(pair for pair in chosen.env if pair[0] == "RUSTC_BOOTSTRAP")
    specs = {target: planner.paths.input(targets.spec_file(target)) for target in targets.names}
    with_start_files = frozenset(target for target in targets.names if targets.files.crt(target))
    return Invocation(specs, planner.tools.folder, kept, machine, planner.units, with_start_files, lints, for_rustdoc)
