from __future__ import annotations

from typing import TYPE_CHECKING, Any

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import plan
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.planning.unit_graph import Profile, Unit, UnitGraph

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript

STD = "@{rust-src}/std"


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return trees.checkout(tmp_path)


def planned(paths: PathMap, program: str = "hello-std", **context: Any) -> Program:
    return plan.plan_program(trees.graph(paths, program), replace(trees.context(paths), **context))


def names(program: Program) -> list[str]:
    return [unit.id.rpartition("-")[0] for unit in program.units]


def unit(program: Program, name: str, kind: UnitKind = UnitKind.LIBRARY) -> CompileUnit:
    (found,) = trees.compiled(program, f"{name}-", kind)
    return found


def script_of_std(program: Program) -> CompileUnit:
    (found,) = (each for each in trees.compiled(program, "", UnitKind.BUILD_SCRIPT) if each.package == STD)
    return found


def run_of_std(program: Program) -> RunBuildScript:
    (found,) = (each for each in trees.runs(program) if each.package == STD)
    return found


def test_a_program_without_std_waits_for_core_and_alloc_only(paths: PathMap) -> None:
    program = planned(paths, "hello-rs")
    assert set(names(program)) == {"core", "compiler_builtins", "alloc", "build_script_build", "ostoo_rt", "hello_rs"}
    assert (program.name, program.profile, program.strip, program.uses_std) == ("hello-rs", "release", "symbols", False)


def test_a_program_with_std_has_all_of_it(paths: PathMap) -> None:
    program = planned(paths)
    assert {"std", "panic_abort", "core"} < set(names(program))
    assert program.uses_std


@pytest.mark.parametrize("name", ["hello-std", "hello-rs"])
def test_dependencies_come_first_and_the_program_last(name: str, paths: PathMap) -> None:
    program = planned(paths, name)
    made: set[str] = set()
    for each in program.units:
        assert made.issuperset(each.prerequisites)
        made.add(each.id)
    assert program.unit.kind is UnitKind.PROGRAM
    assert len(made) == len(program.units)


def test_features_of_one_program_do_not_reach_another(paths: PathMap) -> None:
    rs, std = planned(paths, "hello-rs"), planned(paths, "hello-std")
    assert 'feature="no_std"' in unit(rs, "ostoo_rt").arguments
    assert 'feature="no_std"' not in unit(std, "ostoo_rt").arguments
    assert unit(rs, "ostoo_rt").id != unit(std, "ostoo_rt").id


def test_what_two_programs_have_in_common_is_the_same_unit(paths: PathMap) -> None:
    rs, std = planned(paths, "hello-rs"), planned(paths, "hello-std")
    common = {"core", "compiler_builtins", "alloc"}
    shared = set(rs.units) & set(std.units)
    assert {each.id.rpartition("-")[0] for each in shared} == {*common, "build_script_build"}


def test_two_checkouts_have_equal_plans(tmp_path: Path) -> None:
    assert trees.planned(tmp_path / "one", "hello-std") == trees.planned(tmp_path / "the other one", "hello-std")


def test_a_plan_holds_no_path_of_the_machine(paths: PathMap, tmp_path: Path) -> None:
    assert str(tmp_path) not in repr(planned(paths))


PROFILE_CHANGES: dict[str, Any] = {
    "name": "dev",
    "opt_level": "3",
    "lto": "thin",
    "codegen_units": 1,
    "debuginfo": "2",
    "debug_assertions": True,
    "overflow_checks": True,
    "panic": "unwind",
    "strip": "none",
    "incremental": True,
    "rustflags": ("-Cx",),
    "hint_mostly_unused": True,
    "trim_paths": "all",
}
CHANGES: dict[str, Any] = {
    "kind": "rlib",
    "crate_types": ("lib", "dylib"),
    "target_name": "other",
    "platform": None,
    "mode": "test",
    "features": ("std",),
}
UNTOLD = {"pkg_id", "src_path", "edition", "profile", "is_std", "dependencies"}
"""What follows from the package, or is told apart below."""


def test_every_field_of_a_unit_has_its_change() -> None:
    assert set(Profile.__struct_fields__) == set(PROFILE_CHANGES)
    assert set(Unit.__struct_fields__) == set(CHANGES) | UNTOLD


def changed(graph: UnitGraph, name: str, **changes: Any) -> UnitGraph:
    return replace(graph, units=tuple(replace(u, **changes) if u.target_name == name else u for u in graph.units))


def id_of(paths: PathMap, graph: UnitGraph, index: int) -> str:
    context = replace(trees.context(paths), rustflags=())
    return plan.plan_program(replace(graph, units=graph.units[: index + 1]), context).units[-1].id


@pytest.mark.parametrize(
    "changes", [{name: value} for name, value in CHANGES.items()] + [{"profile": change} for change in PROFILE_CHANGES]
)
def test_units_that_differ_have_different_ids(changes: dict[str, Any], paths: PathMap) -> None:
    graph = trees.graph(paths, "hello-std")
    index = [u.target_name for u in graph.units].index("ostoo_rt")
    if "profile" in changes:
        field = changes["profile"]
        changes = {"profile": replace(graph.units[index].profile, **{field: PROFILE_CHANGES[field]})}
    assert id_of(paths, changed(graph, "ostoo_rt", **changes), index) != id_of(paths, graph, index)


def test_a_unit_on_another_dependency_is_another_unit(paths: PathMap) -> None:
    graph = trees.graph(paths, "hello-std")
    rooted = len(graph.units) - 1
    assert id_of(paths, changed(graph, "core", features=("x",)), rooted) != id_of(paths, graph, rooted)


def test_another_version_of_a_package_is_another_unit(paths: PathMap, tmp_path: Path) -> None:
    before = unit(planned(paths), "ostoo_rt")
    trees.write(tmp_path / "os/user-rs/rt/Cargo.toml", '[package]\nname = "ostoo-rt"\nversion = "0.2.0"\n')
    after = unit(planned(paths), "ostoo_rt")
    assert (before.label, after.label) == ("ostoo-rt v0.1.0", "ostoo-rt v0.2.0")
    assert before.id != after.id


def test_the_targets_flags_are_for_the_target_only(paths: PathMap) -> None:
    one, other = planned(paths), planned(paths, rustflags=())
    assert "-Cforce-frame-pointers=yes" in unit(one, "core").arguments
    assert unit(one, "core").id != unit(other, "core").id
    script = script_of_std(one)
    assert "-Cforce-frame-pointers=yes" not in script.arguments
    assert script == script_of_std(other)


def test_build_scripts_are_the_hosts_and_have_its_profile(paths: PathMap) -> None:
    program = planned(paths)
    script = script_of_std(program)
    assert script.target == ""
    assert script.folder.startswith("build/host/release/units/build_script_build-")
    assert not [word for word in script.arguments if word.startswith("opt-level")], "cargo leaves out the default"
    assert unit(program, "std").folder.startswith(f"build/{trees.TARGET}/release/units/std-")
    assert "opt-level=s" in unit(program, "std").arguments


def test_a_build_script_is_told_what_cargo_tells_it(paths: PathMap) -> None:
    run = run_of_std(planned(paths))
    told = dict(run.environment)
    expected = {
        "OUT_DIR": f"@{{root}}/{run.folder}/out",
        "TARGET": trees.TARGET,
        "HOST": "x86_64-unknown-linux-gnu",
        "OPT_LEVEL": "s",
        "DEBUG": "false",
        "PROFILE": "release",
        "RUSTC": "@{rustc}",
        "CARGO_ENCODED_RUSTFLAGS": "-Cforce-frame-pointers=yes",
        "CARGO_FEATURE_COMPILER_BUILTINS_MEM": "1",
        "CARGO_CFG_FEATURE": "compiler-builtins-mem",
        "CARGO_CFG_UNIX": "",
        "CARGO_CFG_TARGET_OS": "linux",
        "CARGO_CFG_TARGET_FEATURE": "sse,sse2",
        "CARGO_MANIFEST_DIR": "@{rust-src}/std",
        "RUSTC_LINKER": "rust-lld",
        "GREETING": "hello",
    }
    assert expected.items() <= told.items()
    assert "CARGO_MANIFEST_LINKS" not in told


def test_a_build_script_is_told_how_the_target_panics(paths: PathMap) -> None:
    assert dict(run_of_std(planned(paths)).environment)["CARGO_CFG_PANIC"] == "abort"


def test_a_unit_knows_its_own_run_and_a_run_its_script(paths: PathMap) -> None:
    program = planned(paths)
    run, script = run_of_std(program), script_of_std(program)
    assert unit(program, "std").run == run.id
    assert run.script == script.id
    assert unit(program, "core").run is None
    assert set(program.unit.runs) == {each.id for each in trees.runs(program)}
    assert unit(program, "std").runs[0] == run.id


def test_a_program_may_read_all_libraries_and_names_its_own(paths: PathMap) -> None:
    root = planned(paths).unit
    externs = [extern.name for extern in root.externs]
    assert externs == ["alloc", "compiler_builtins", "core", "ostoo_rt", "panic_abort", "std"]
    assert {extern.unit for extern in root.externs} <= set(root.libraries)
    assert [extern.name for extern in root.externs if not extern.noprelude] == ["ostoo_rt"]


def with_proc_macro(graph: UnitGraph) -> UnitGraph:
    """`ostoo_rt` uses a macro of the host, which itself uses a library of the host."""
    rt = next(u for u in graph.units if u.target_name == "ostoo_rt")
    edge = replace(rt.dependencies[0], noprelude=False)
    library = replace(rt, target_name="syn", platform=None, dependencies=())
    syn, macros = len(graph.units) - 1, len(graph.units)
    macro = replace(
        library,
        kind="proc-macro",
        crate_types=("proc-macro",),
        target_name="macros",
        dependencies=(replace(edge, index=syn, extern_crate_name="syn"),),
    )
    more = replace(edge, index=macros, extern_crate_name="macros")
    used = changed(graph, "ostoo_rt", dependencies=(*rt.dependencies, more))
    return replace(used, units=(*used.units[:-1], library, macro, used.units[-1]))


def test_what_a_proc_macro_was_made_of_is_its_own_affair(paths: PathMap) -> None:
    program = plan.plan_program(with_proc_macro(trees.graph(paths, "hello-std")), trees.context(paths))
    syn, macros, rt = unit(program, "syn"), unit(program, "macros", UnitKind.PROC_MACRO), unit(program, "ostoo_rt")
    assert macros.libraries == (syn.id,)
    assert macros.id in rt.libraries
    assert macros.id in [extern.unit for extern in rt.externs]
    assert syn.id not in rt.libraries
    assert macros.id in program.unit.libraries
