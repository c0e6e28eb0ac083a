"""Plans a program's test executables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.planning import rustc_flags
from ostoo_build.planning.plan import Program, plan_program

if TYPE_CHECKING:
    from ostoo_build.planning.plan_context import PlanContext
    from ostoo_build.planning.unit_graph import Unit, UnitGraph

_OF_STD = """\
write `#![cfg_attr(not(test), no_main)]` at its top, `#[cfg_attr(not(test), no_mangle)]` before its `main`;
or `test = false` in its table of the manifest, if it has no tests"""

_OF_NO_STD = """\
write below `#![no_main]`
    #![cfg_attr(test, feature(custom_test_frameworks))]
    #![cfg_attr(test, test_runner(ostoo_rt::test_runner))]
    #![cfg_attr(test, reexport_test_harness_main = "test_main")]
`#[cfg_attr(not(test), no_mangle)]` before its `main`, and
    #[cfg(test)]
    #[export_name = "main"]
    fn run_tests() -> i32 { test_main(); 0 }
or `test = false` in its table of the manifest, if it has no tests"""


class PlannedExecutable(Struct, frozen=True):
    """The plan of one test executable.

    `source` is the path of its root file within the package. Without a harness the executable is a single test.
    `programs` are the programs that its tests may start.
    """

    program: Program
    source: str
    has_harness: bool
    programs: tuple[str, ...]


def plan_executable(name: str, graph: UnitGraph, context: PlanContext) -> PlannedExecutable:
    """Plan one test executable of the program `name`. Raises `OstooError` if its tests could never run."""
    root = graph.units[-1]
    manifest = context.manifest(root)
    has_harness = rustc_flags.has_libtest(root, manifest)
    if has_harness:
        _refuse_without_entry(root, context)
    program = plan_program(graph, context)
    others = [graph.units[dependency.index] for dependency in root.dependencies]
    return PlannedExecutable(
        program=replace(program, name=f"{layout.tests(name)}/{program.kind}-{program.target_name}"),
        source=root.src_path.relative_to(manifest.folder).as_posix(),
        has_harness=has_harness,
        programs=tuple(sorted(other.target_name for other in others if other.kind == "bin")),
    )


def _refuse_without_entry(root: Unit, context: PlanContext) -> None:
    """Raise `OstooError` if the tests could never run.

    rustc generates a `main` that nothing calls if the crate defines its own `main`, and it needs std unless the crate
    names a test runner.
    """
    view = context.view(root)
    runs_own = {"test_runner", "reexport_test_harness_main"} <= set(view.marks)
    if not (runs_own if view.no_std else "no_main" not in view.marks):
        raise OstooError(
            f"the tests of {root.target_name} would never run, because it defines its own `main`",
            where=context.portable(root.src_path),
            remedy=_OF_NO_STD if view.no_std else _OF_STD,
        )
