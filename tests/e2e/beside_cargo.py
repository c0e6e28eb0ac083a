"""One program as the real cargo builds it, and as we plan it, to be held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import planners
import recording_cargo

from ostoo_build.base import layout
from ostoo_build.planning import std_crates
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from recording_cargo import Call, Recorded
    from trees import Tree

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import PlannedUnit


@dataclass(frozen=True)
class Both:
    """One program as cargo builds it, and as we plan it."""

    cargo: Recorded
    planner: Planner
    program: Program

    def run(self, package: str) -> RunBuildScript:
        runs = (unit for unit in self.program.units if isinstance(unit, RunBuildScript))
        (found,) = (unit for unit in runs if unit.label.startswith(f"{package} v"))
        return found

    def expanded(self, unit: PlannedUnit) -> dict[str, str]:
        return {name: self.planner.paths.expand(value) for name, value in unit.environment}

    def compilations(self) -> Iterator[tuple[str, Call, CompileUnit]]:
        """Each crate of the workspace and of std that both compile, by name and package."""
        units = (unit for unit in self.program.units if isinstance(unit, CompileUnit))
        ours = {self.name(unit.arguments, dict(unit.environment)): unit for unit in units}
        theirs = {self.name(tuple(call.arguments), call.environment): call for call in self.cargo.calls}
        assert ours.keys() <= theirs.keys()
        for name, unit in ours.items():
            yield name, theirs[name], unit

    def name(self, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
        crate = arguments[arguments.index("--crate-name") + 1]
        kind = next((b for a, b in pairwise(arguments) if a == "--crate-type"), "")
        return f"{environment['CARGO_PKG_NAME']}:{crate}:{kind}"


def both_ways(tree: Tree, workspace: str, program: str, profile: str, scratch: Path, *, verb: str = "build") -> Both:
    """Have cargo build or check a program of a workspace in a checkout, and plan that."""
    made = planners.opened(tree.root, profile=profile)
    (asked,) = made.programs.ids([program])
    planned = made.plan(*asked) if verb == "build" else made.plan_part(layout.CHECK, *asked)
    vendor = std_crates.vendor(made.tools.toolchain.rust_src)
    words = (*(std_crates.redirect(vendor) if vendor else ()), "--profile", profile, "--package", program)
    cargo = recording_cargo.build(
        made.tools.toolchain, tree.root / workspace, scratch, *words, "--bin", program, verb=verb
    )
    return Both(cargo, made, planned)


OURS = {
    "--error-format": "both say json",
    "--json": "cargo asks for reports on the future too",
    "--emit": "each output has a place of its own",
    "--out-dir": "likewise",
    "--target": "added to the action, relative to where it runs",
    "--extern": "added to the action",
    "--remap-path-prefix": "no path of a machine gets into a result",
    "--remap-path-scope": "likewise",
    "-L": "added to the action; the sysroot's folder only to the link",
    "-C metadata": "by contents",
    "-C extra-filename": "likewise",
    "-C incremental": "where it runs",
    "-C strip": "two links from one compilation",
    "-C linker": "added to the action",
    "-C rpath": "without effect, as the manual says",
    "-C split-debuginfo": "likewise",
    "-Z translate-remapped-path-to-local-path": "no result depends on where std's source lies",
    "-Z checksum-hash-algorithm": "the proof of what was read",
    "-Z binary-dep-depinfo": "likewise",
    "-Z emit-stack-sizes": "for reports",
    "-Z no-link": "a step of its own",
    "-Z unstable-options": "all of ours have it",
    "-C opt-level": "cargo leaves out what is rustc's default; compared by value below",
    "-C debug-assertions": "likewise",
    "-C overflow-checks": "likewise",
    "-C debuginfo": "likewise",
}
"""What differs between rustc's arguments and cargo's, by its reason."""

FROM_SCRIPTS = {"--cfg": {"made", "built"}, "--check-cfg": {"cfg(made)"}}


def arguments_of(words: list[str]) -> list[tuple[str, str]]:
    """The options that decide what is compiled, in order, spelt alike."""
    found = []
    for option in rustc_options.read(words):
        name = f"{option.flag} {option.name}" if option.flag in ("-C", "-Z") else option.flag
        value = option.setting if option.flag in ("-C", "-Z") else option.value
        value = "fat" if (name, value) == ("-C lto", "") else value
        if option.flag and name not in OURS and value not in FROM_SCRIPTS.get(option.flag, ()):
            found.append((name, value))
    return found


def defaults_of(words: list[str]) -> dict[str, str]:
    """What options come to that cargo leaves out where rustc would do the same."""
    said = {option.name: option.setting for option in rustc_options.read(words) if option.flag == "-C"}
    level = said.get("opt-level", "0")
    debug = said.get("debug-assertions", "on" if level == "0" else "off")
    checks = said.get("overflow-checks", debug)
    found = {"opt-level": level, "debug-assertions": debug, "overflow-checks": checks}
    return {**found, "debuginfo": said.get("debuginfo", "0")}
