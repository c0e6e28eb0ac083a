"""Plans the requested programs of one invocation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ostoo_build.base import user_cache
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.invocation import tools as invocation_tools
from ostoo_build.invocation.targets import Targets
from ostoo_build.planning import package_places, std_crates
from ostoo_build.planning.cargo import Cargo
from ostoo_build.planning.features import Selection
from ostoo_build.planning.memos import Memos
from ostoo_build.planning.programs import Programs
from ostoo_build.planning.workspace import Rustc, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.checkout import Checkout
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.tools import Tools
    from ostoo_build.planning.plan import Program, ProgramId
    from ostoo_build.planning.planned_unit import Unit
    from ostoo_build.planning.test_plan import PlannedExecutable
    from ostoo_build.project.workspaces import ProgramGroup
    from ostoo_build.toolchain.find import Toolchain


class Planner(Struct, frozen=True):
    """The programs of a checkout in one profile, with their toolchain and targets.

    `units` are the units of all plans made so far, by id.
    """

    root: Path
    tools: Tools
    targets: Targets
    programs: Programs
    profile: str
    units: dict[str, Unit] = field(default_factory=dict)

    @property
    def paths(self) -> PathMap:
        return self.tools.paths

    def plan(self, name: str, target: str) -> Program:
        """Return the plan of a program, and register its units."""
        program = self.programs.plan(name, target)
        self.units.update({unit.id: unit for unit in program.units})
        return program

    def plan_all(self, names: Iterable[str]) -> list[Program]:
        """Return the plans of programs for each of their targets, and register their units. Plans them at once."""
        ids = sorted(self.programs.ids(names))
        self.programs.start_planning(ids)
        return [self.plan(*id_) for id_ in ids]

    def plan_part(self, what: str, name: str, target: str) -> Program:
        """Return the plan of one of `layout.PARTS` of a program, and register its units."""
        program = self.programs.plan(name, target, what)
        self.units.update({unit.id: unit for unit in program.units})
        return program

    def plan_tests(self, name: str, target: str) -> tuple[PlannedExecutable, ...]:
        """Return the plans of a program's test executables, and register their units."""
        return self._registered(self.programs.plan_tests(name, target))

    def plan_all_tests(self, ids: Iterable[ProgramId]) -> list[PlannedExecutable]:
        """Return the plans of the test executables of programs, and register their units.

        Programs whose tests could never run have none. Raises `OstooError` if cargo can't plan.
        """
        return [each for tests in self.programs.plan_all_tests(ids).values() for each in self._registered(tests)]

    def _registered(self, tests: tuple[PlannedExecutable, ...]) -> tuple[PlannedExecutable, ...]:
        self.units.update({unit.id: unit for executable in tests for unit in executable.program.units})
        return tests


def find(checkout: Checkout, options: Options) -> Planner:
    """Find the toolchain and the workspaces of a checkout."""
    targets = Targets.find(checkout.root, options.described, options.variables["target"])
    return of(checkout, options, targets, invocation_tools.find(checkout, options))


def of(checkout: Checkout, options: Options, targets: Targets, tools: Tools) -> Planner:
    profile = options.variables["profile"]
    tables = options.described.programs
    selections = {name: Selection.of(table.features, default=table.default_features) for name, table in tables.items()}
    find_workspace = partial(_workspace, targets, tools, options)
    programs = Programs(targets.groups, find_workspace, profile, options.jobs, selections)
    return Planner(checkout.root, tools, targets, programs, profile)


def cargo_of(
    targets: Targets, group: ProgramGroup, toolchain: Toolchain, environment: Mapping[str, str], options: Options
) -> Cargo:
    """Return the cargo that plans the programs of a group; `environment` is what it may see of the user's."""
    place = targets.root / group.folder
    vendor, locked = std_crates.vendor(toolchain.rust_src), options.variables["locked"] == "on"
    workspace = package_places.workspace_of(place)
    return Cargo(toolchain.cargo, place, workspace, environment, vendor, group.std_options, locked)


def _workspace(targets: Targets, tools: Tools, options: Options, group: ProgramGroup, target: str) -> Workspace:
    chosen, environment = tools.toolchain, dict(tools.environment)
    return Workspace(
        cargo_of(targets, group, chosen, environment, options),
        Rustc(chosen.rustc, environment, chosen.host, tools.sha256),
        targets.spec_file(target),
        targets.spec(target).digest,
        targets.policy(target),
        tools.paths,
        Memos(user_cache.folder() / user_cache.PLANS),
        Snapshot(),
    )
