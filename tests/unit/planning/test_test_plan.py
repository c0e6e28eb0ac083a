from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import test_plan
from ostoo_build.planning.unit_graph import UnitGraph

if TYPE_CHECKING:
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.test_plan import PlannedExecutable

RUNNER = """#![no_std]
#![cfg_attr(test, test_runner(ostoo_rt::test_runner))]
#![cfg_attr(test, reexport_test_harness_main = "test_main")]
"""


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return trees.checkout(tmp_path)


def graph(paths: PathMap, name: str, kind: str) -> UnitGraph:
    """The graph of tests as cargo gives it: with std's `test`, and with the program for a file in `tests`."""
    *others, program = trees.graph(paths, name).units
    source = trees.write(Path(paths.expand("@{rust-src}/test/src/lib.rs")), "#![no_std]")
    trees.write(source.parents[1] / "Cargo.toml", '[package]\nname = "test"\nversion = "0.0.0"\n')
    core = next(unit for unit in others if unit.target_name == "core")
    libtest = replace(core, target_name="test", src_path=source, dependencies=())
    edge = program.dependencies[0]
    to_libtest = replace(edge, index=len(others), extern_crate_name="test", noprelude=True, nounused=True)
    to_program = replace(edge, index=len(others) + 1, extern_crate_name=program.crate_name)
    own = replace(program, mode="test", kind=kind, dependencies=(*program.dependencies, to_libtest))
    if kind == "test":
        own = replace(own, target_name="outside", dependencies=(*own.dependencies, to_program))
    return UnitGraph((*others, libtest, program, own))


def planned(paths: PathMap, name: str, kind: str = "bin") -> PlannedExecutable:
    return test_plan.plan_executable(name, graph(paths, name, kind), trees.context(paths))


def names(executable: PlannedExecutable) -> set[str]:
    return {unit.id.rpartition("-")[0] for unit in executable.program.units}


def test_tests_with_std_have_its_harness(paths: PathMap) -> None:
    executable = planned(paths, "hello-std")
    assert {"std", "test"} < names(executable)
    assert (executable.program.name, executable.source) == ("hello-std.tests/bin-hello-std", "src/main.rs")
    assert executable.has_harness
    assert executable.programs == ()


def test_a_file_of_tests_finds_the_program_and_is_not_linked_with_it(paths: PathMap) -> None:
    executable = planned(paths, "hello-std", "test")
    assert executable.program.name == "hello-std.tests/test-outside"
    assert executable.programs == ("hello-std",)
    assert "hello_std" not in names(executable)
    environment = dict(executable.program.units[-1].environment)
    assert environment["CARGO_TARGET_TMPDIR"] == "@{root}/build/tmp"
    assert environment["CARGO_BIN_EXE_hello-std"] == f"@{{root}}/build/{trees.TARGET}/release/hello-std"


def test_a_file_of_tests_knows_the_place_of_a_program_whose_features_are_off(paths: PathMap, tmp_path: Path) -> None:
    manifest = tmp_path / "os/user-rs/hello-std/Cargo.toml"
    trees.write(manifest.parent / "src/off.rs", "")
    table = '[[bin]]\nname = "off"\npath = "src/off.rs"\nrequired-features = ["no_std"]\n'
    manifest.write_text(f"{manifest.read_text()}{table}")
    environment = dict(planned(paths, "hello-std", "test").program.units[-1].environment)
    assert environment["CARGO_BIN_EXE_off"] == f"@{{root}}/build/{trees.TARGET}/release/off"


def test_tests_without_std_have_neither_it_nor_its_harness(paths: PathMap, tmp_path: Path) -> None:
    trees.write(tmp_path / "os/user-rs/hello-rs/src/main.rs", RUNNER)
    executable = planned(paths, "hello-rs")
    assert not {"std", "test"} & names(executable)
    assert not executable.program.uses_std


@pytest.mark.parametrize(
    ("program", "source", "remedy"),
    [
        ("hello-std", "#![no_main]", "not(test), no_main"),
        ("hello-rs", "#![no_std]", "test_runner(ostoo_rt::test_runner)"),
        ("hello-rs", RUNNER.replace("reexport", "export"), "reexport_test_harness_main"),
        (
            "hello-rs",
            RUNNER.replace("test_runner(ostoo_rt::test_runner)", "other"),
            "test_runner(ostoo_rt::test_runner)",
        ),
    ],
)
def test_tests_that_nobody_would_call_are_refused(
    program: str, source: str, remedy: str, paths: PathMap, tmp_path: Path
) -> None:
    trees.write(tmp_path / f"os/user-rs/{program}/src/main.rs", source)
    with pytest.raises(OstooError, match="would never run") as caught:
        planned(paths, program)
    assert caught.value.where == f"user-rs/{program}/src/main.rs"
    assert remedy in str(caught.value)


def test_without_a_harness_the_programs_own_main_is_right(paths: PathMap, tmp_path: Path) -> None:
    trees.write(tmp_path / "os/user-rs/hello-std/src/main.rs", "#![no_main]")
    manifest = tmp_path / "os/user-rs/hello-std/Cargo.toml"
    manifest.write_text(manifest.read_text() + '[[bin]]\nname = "hello-std"\nharness = false\n')
    executable = planned(paths, "hello-std")
    assert not executable.has_harness
    assert "test" not in names(executable)
