from __future__ import annotations

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import plan, planned_unit, unit_graph
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.planning.unit_graph import Dependency, Profile, Unit, UnitGraph

if TYPE_CHECKING:
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
    return UnitGraph(tuple(replace(u, **changes) if u.target_name == name else u for u in graph.units))


def id_of(paths: PathMap, graph: UnitGraph, index: int) -> str:
    context = replace(trees.context(paths), rustflags=())
    return plan.plan_program(UnitGraph(graph.units[: index + 1]), context).units[-1].id


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
    return UnitGraph((*used.units[:-1], library, macro, used.units[-1]))


def test_what_a_proc_macro_was_made_of_is_its_own_affair(paths: PathMap) -> None:
    program = plan.plan_program(with_proc_macro(trees.graph(paths, "hello-std")), trees.context(paths))
    syn, macros, rt = unit(program, "syn"), unit(program, "macros", UnitKind.PROC_MACRO), unit(program, "ostoo_rt")
    assert macros.libraries == (syn.id,)
    assert macros.id in rt.libraries
    assert macros.id in [extern.unit for extern in rt.externs]
    assert syn.id not in rt.libraries
    assert macros.id in program.unit.libraries


class Crates:
    """A unit graph that a test makes; each crate of a package of its own in `user-rs`, or in std's source."""

    def __init__(self, paths: PathMap) -> None:
        self.paths = paths
        self.model = next(u for u in trees.graph(paths, "hello-rs").units if u.target_name == "ostoo_rt")
        self.units: list[Unit] = []

    def add(self, name: str, *needed: int, package: str = "", manifest: str = "", **changes: Any) -> int:
        folder = Path(self.paths.expand(package or f"@{{root}}/user-rs/{name}"))
        if not (folder / "Cargo.toml").exists():
            trees.write(folder / "Cargo.toml", f'[package]\nname = "{name}"\nversion = "0.1.0"\n{manifest}')
        source = changes.pop("source", folder / "src/lib.rs")
        if not source.exists():
            trees.write(source, "#![no_std]")
        edges = tuple(changes.pop("edges", ())) or tuple(self.edge(index) for index in needed)
        known = {"pkg_id": f"path+file://{folder}#0.1.0", "src_path": source, "target_name": name}
        self.units.append(replace(self.model, **known, dependencies=edges, **changes))
        return len(self.units) - 1

    def edge(self, index: int, name: str = "", *, public: bool = False, noprelude: bool = False) -> Dependency:
        name = name or self.units[index].crate_name
        return Dependency(index, name, public=public, noprelude=noprelude, nounused=False)

    def script(self, name: str, *told: int, **changes: Any) -> int:
        """The run of a package's build script."""
        made = self.add(name, kind="custom-build", platform=None, **{**changes, "crate_types": ("bin",)})
        kind = {"kind": "custom-build", "crate_types": ("bin",), "mode": "run-custom-build"}
        return self.add(name, *told, made, **{**changes, **kind})

    def program(self, *needed: int, **changes: Any) -> Program:
        source = Path(self.paths.root, "user-rs/program/src/main.rs")
        self.add("program", *needed, **{"kind": "bin", "crate_types": ("bin",), "source": source, **changes})
        return self.plan()

    def plan(self, **context: Any) -> Program:
        return plan.plan_program(UnitGraph(tuple(self.units)), replace(trees.context(self.paths), **context))


@pytest.fixture
def crates(paths: PathMap) -> Crates:
    return Crates(paths)


STD_LIB: dict[str, Any] = {"package": "@{rust-src}/core", "is_std": True}
TEST: dict[str, Any] = {"kind": "bin", "crate_types": ("bin",), "mode": "test"}


def test_an_id_is_a_crates_name_and_sixteen_digits(paths: PathMap) -> None:
    ids = [unit.id for unit in planned(paths).units]
    assert [each for each in ids if not re.fullmatch(r"[a-z_]+-[0-9a-f]{16}", each)] == []


def alike(crates: Crates) -> dict[str, list[str]]:
    """Ids of crates with one name and one source each, by how they differ."""
    a = crates.add("a")
    other: dict[str, Any] = {"package": "@{root}/user-rs/other", "source": crates.units[a].src_path}
    user = crates.add("user", a)
    found = {
        "packages of two folders": [a, crates.add("a", **other)],
        "targets whose crates have one name": [
            crates.add("x-y", package="@{root}/user-rs/z"),
            crates.add("x_y", package="@{root}/user-rs/z"),
        ],
        "names of one dependency": [user, crates.add("user", edges=(crates.edge(a, "b"),))],
        "what is no part of the prelude": [user, crates.add("user", edges=(crates.edge(a, noprelude=True),))],
        "of the package that is built, and of another": [
            crates.add("p", package="@{root}/user-rs/program"),
            crates.add("p", package="@{root}/user-rs/q"),
        ],
    }
    program = crates.program(*range(len(crates.units)))
    at = {index: unit.id for index, unit in enumerate(program.units)}
    assert len(program.units) == len(crates.units)
    return {how: [at[index] for index in pair] for how, pair in found.items()}


def test_units_that_are_alike_in_all_but_one_have_different_ids(crates: Crates) -> None:
    assert {how for how, (one, other) in alike(crates).items() if one == other} == set()


def test_the_name_of_a_package_tells_units_apart(crates: Crates, paths: PathMap) -> None:
    one = crates.program(crates.add("a")).units[0]
    trees.write(Path(paths.root, "user-rs/a/Cargo.toml"), '[package]\nname = "b"\nversion = "0.1.0"\n')
    assert crates.plan().units[0].id != one.id


def test_a_member_is_compiled_in_the_workspace_and_all_others_in_their_package(crates: Crates) -> None:
    registry = {"package": "@{cargo-home}/registry/src/index/far", "pkg_id": "registry+index#far@0.1.0"}
    beside = {"package": "@{root}/lib/beside"}
    vendored = {"package": "@{root}/user-rs/vendor/near", "pkg_id": "registry+index#near@0.1.0"}
    added = [crates.add("member"), crates.add("beside", **beside), crates.script("member")]
    for name, known in (("far", registry), ("near", vendored)):
        pkg_id = known.pop("pkg_id")
        added.append(crates.add(name, **known))
        crates.units[-1] = replace(crates.units[-1], pkg_id=pkg_id)
    added += [crates.add("core", **STD_LIB), crates.script("core", **STD_LIB)]
    program = crates.program(*added)
    assert [(unit.label.partition(" ")[0], unit.directory) for unit in program.units] == [
        ("member", "user-rs"),
        ("beside", "lib/beside"),
        ("member", "user-rs"),
        ("member", "user-rs/member"),
        ("far", "@{cargo-home}/registry/src/index/far"),
        ("near", "user-rs/vendor/near"),
        ("core", "."),
        ("core", "."),
        ("core", "@{rust-src}/core"),
        ("program", "user-rs"),
    ]


def test_a_root_file_outside_of_its_package_brings_its_neighbours_and_a_manifest_its_inputs(crates: Crates) -> None:
    root = Path(crates.paths.root)
    declared = '[package.metadata.ostoo]\ninputs = ["../data.bin"]\n'
    trees.write(root / "user-rs/data.bin", "")
    inside = crates.add("inside", manifest=declared)
    outside = crates.add("outside", source=root / "user-rs/outsider/main.rs")
    top = crates.add("top", package="@{root}")
    program = crates.program(inside, outside, top)
    assert [unit.extra_inputs for unit in program.units] == [("../data.bin",), ("../outsider/*.rs",), (), ()]


def test_a_package_that_is_built_is_primary_but_for_its_scripts(crates: Crates) -> None:
    run = crates.script("program")
    program = crates.program(crates.add("other"), crates.add("lib", package="@{root}/user-rs/program"), run)
    primary = [dict(unit.environment).get("CARGO_PRIMARY_PACKAGE") for unit in program.units]
    assert primary == [None, "1", "1", None, "1"], "other, lib, the script, its run, the program"


def test_dependencies_are_private_to_a_library_that_hides_them(crates: Crates) -> None:
    hides = 'cargo-features = ["public-dependency"]\n'
    path = trees.write(Path(crates.paths.root, "user-rs/hiding/Cargo.toml"), "")
    path.write_text(f'{hides}[package]\nname = "hiding"\nversion = "0.1.0"\n')
    one, two = crates.add("one"), crates.add("two")
    edges = (crates.edge(one), crates.edge(two, public=True))
    for changes in ({}, {"package": "@{root}/user-rs/open"}):
        crates.add("hiding", edges=edges, **changes)
    program = crates.program(*range(len(crates.units)))
    found = [[extern.is_private for extern in unit.externs] for unit in trees.compiled(program, "hiding-")]
    assert found == [[True, False], [False, False]], "of the library, and where nothing is hidden"
    own = crates.program(edges=edges, package="@{root}/user-rs/hiding").unit
    assert [extern.is_private for extern in own.externs] == [False, False], "a program has no interface"


def test_a_program_that_a_test_starts_is_no_part_of_it(crates: Crates) -> None:
    started = crates.add("started", kind="bin", crate_types=("bin",))
    library = crates.add("library")
    program = crates.program(started, library, **TEST)
    assert names(program) == ["library", "program"]


def test_a_file_of_tests_is_told_where_programs_are(crates: Crates, paths: PathMap) -> None:
    crates.script("program")
    bins = '[[bin]]\nname = "one"\npath = "src/one.rs"\n[[bin]]\nname = "two-b"\npath = "src/two.rs"\n'
    path = Path(paths.root, "user-rs/program/Cargo.toml")
    path.write_text(path.read_text() + bins)
    of_tests = {
        "CARGO_TARGET_TMPDIR": "@{root}/build/tmp",
        "CARGO_BIN_EXE_one": f"@{{root}}/build/{trees.TARGET}/release/one",
        "CARGO_BIN_EXE_two-b": f"@{{root}}/build/{trees.TARGET}/release/two-b",
    }

    def told(kind: str, mode: str) -> dict[str, str]:
        environment = crates.program(kind=kind, mode=mode).unit.environment
        return {name: value for name, value in environment if name in of_tests or name.startswith("CARGO_BIN_EXE")}

    assert told("test", "test") == of_tests
    assert told("bin", "test") == told("bin", "build") == told("test", "build") == {}


@pytest.mark.parametrize(
    ("source", "manifest", "kind", "is_there"),
    [
        ("", "", "bin", True),
        ("#![test_runner(mine)]", "", "bin", False),
        ("#![no_std]", "", "bin", True),
        ("#![no_std]", '[[bin]]\nname = "program"\nharness = false\n', "bin", False),
    ],
)
def test_libtest_is_there_where_rustc_makes_the_main(
    source: str, manifest: str, kind: str, *, is_there: bool, crates: Crates, paths: PathMap
) -> None:
    trees.write(Path(paths.root, "user-rs/program/src/main.rs"), source)
    libtest = crates.add("test", **STD_LIB)
    std = crates.add("std", **STD_LIB)
    program = crates.program(libtest, std, **{**TEST, "kind": kind}, manifest=manifest)
    assert ("test" in names(program)) is is_there
    assert ("std" in names(program)) is ("no_std" not in source)


def test_a_crate_called_std_is_not_std(crates: Crates) -> None:
    trees.write(Path(crates.paths.root, "user-rs/program/src/main.rs"), "")
    assert not crates.program(crates.add("std"), crates.add("core", **STD_LIB)).uses_std
    assert crates.program(crates.add("std", **STD_LIB)).uses_std


def test_a_run_has_its_script_and_hears_of_the_runs_it_names_not_of_stds(crates: Crates) -> None:
    of_std = crates.script("core", **STD_LIB)
    other = crates.script("other")
    run = crates.script("mine", other, of_std)
    std_run = crates.script("core", of_std, **STD_LIB)
    at = crates.program(*range(len(crates.units))).units
    mine = planned_unit.run(at[run])
    assert (mine.script, mine.runs) == (at[run - 1].id, (at[other].id,))
    assert at[std_run].runs == (at[of_std].id,)


def test_whoever_is_made_of_a_packages_library_takes_its_libraries(crates: Crates, paths: PathMap) -> None:
    alone = crates.program()
    assert alone.unit.takes_libraries, "there is no library"
    trees.write(Path(paths.root, "user-rs/program/src/lib.rs"), "")
    of_library = '[lib]\nname = "program"\n'
    path = Path(paths.root, "user-rs/program/Cargo.toml")
    path.write_text(path.read_text() + of_library)
    program = crates.program(crates.add("program"))
    library, own = (planned_unit.compiled(unit) for unit in program.units)
    assert (library.takes_libraries, own.takes_libraries) == (True, False)


def with_flags(crates: Crates, *flags: str) -> Program:
    model = crates.model.profile
    return crates.program(crates.add("core", **STD_LIB), profile=replace(model, rustflags=flags))


def test_flags_of_a_profile_may_not_do_what_no_key_knows_of(crates: Crates) -> None:
    with pytest.raises(OstooError, match="-Csave-temps") as caught:
        with_flags(crates, "-Csave-temps")
    assert caught.value.where == "user-rs/Cargo.toml: rustflags of a profile"


def test_a_search_folder_of_the_users_is_no_affair_of_std(crates: Crates) -> None:
    crates.program(crates.add("core", **STD_LIB))
    flags = ("-L", "native=libs", "-Cforce-frame-pointers=yes")
    core, program = (planned_unit.compiled(unit) for unit in crates.plan(rustflags=flags).units)
    assert "native=libs" in program.arguments
    assert "native=libs" not in core.arguments
    assert all("-Cforce-frame-pointers=yes" in unit.arguments for unit in (core, program))


def test_flags_that_let_rustc_find_crates_ask_for_more_proof(crates: Crates) -> None:
    proof = "-Zbinary-dep-depinfo"
    of_profile = with_flags(crates, "-Ldependency=x")
    assert proof in of_profile.unit.arguments
    assert proof not in planned_unit.compiled(of_profile.units[0]).arguments
    crates.units[-1] = replace(crates.units[-1], profile=crates.model.profile)
    assert proof in crates.plan(rustflags=("--extern", "x=y")).unit.arguments
    assert proof not in crates.plan().unit.arguments


@pytest.mark.parametrize(("strip", "keeps"), [("symbols", False), ("none", True), ("debuginfo", True)])
def test_a_program_keeps_symbols_unless_its_profile_strips_them(strip: str, *, keeps: bool, crates: Crates) -> None:
    program = crates.program(profile=replace(crates.model.profile, strip=strip))
    assert program.keeps_symbols is keeps
    assert program.id == ("program", trees.TARGET)


def test_a_program_is_incremental_where_one_of_its_crates_is(crates: Crates) -> None:
    crates.program(crates.add("a"), crates.script("a"))
    assert not crates.plan().is_incremental
    crates.units[0] = replace(crates.units[0], profile=replace(crates.model.profile, incremental=True))
    assert crates.plan().is_incremental


def test_a_graph_with_many_ways_is_walked_once(crates: Crates) -> None:
    pair = (crates.add("a0"), crates.add("b0"))
    for number in range(1, 40):
        pair = (crates.add(f"a{number}", *pair), crates.add(f"b{number}", *pair))
    root = crates.program(*pair).unit
    assert len(root.libraries) == 80


def test_what_a_unit_sees_of_std_goes_by_its_source_its_features_and_its_tests(crates: Crates) -> None:
    """Units of one package may differ in that."""
    source = trees.write(Path(crates.paths.root, "user-rs/a/src/lib.rs"), '#![cfg_attr(feature = "bare", no_std)]')
    std = crates.add("std", **STD_LIB)
    crates.add("a", std, source=source, features=("bare",))
    crates.add("a", std, source=source, features=())
    crates.add("b", std, features=())
    for_tests = trees.write(
        Path(crates.paths.root, "user-rs/program/src/main.rs"), "#![cfg_attr(any(not(test), not(unix)), no_std)]"
    )
    crates.add("program", std, kind="bin", crate_types=("bin",), source=for_tests)
    seen, shared = {}, trees.context(crates.paths)
    for index in (1, 2, 3, 4):
        graph = UnitGraph((crates.units[0], crates.units[index]))
        seen[index] = "std" in names(plan.plan_program(graph, shared))
    tested = replace(crates.units[4], mode="test")
    seen[5] = "std" in names(plan.plan_program(UnitGraph((crates.units[0], tested)), shared))
    assert seen == {1: False, 2: True, 3: False, 4: False, 5: True}


def test_a_crate_of_std_gets_the_variables_that_its_source_asks_for(crates: Crates) -> None:
    """All else would compile core anew for an edit of `[env]` that it can't see."""
    library = crates.paths.expand("@{rust-src}")
    beside = crates.add("libc", package="@{cargo-home}/libc", is_std=True)
    core = crates.add("core", beside, **STD_LIB)
    trees.write(Path(library, "core/src/lib.rs"), '#![no_std]\nconst A: Option<&str> = option_env!("ASKED");')
    trees.write(
        Path(crates.paths.expand("@{cargo-home}/libc/src/lib.rs")), '#![no_std]\nconst B: &str = env!("OTHER");'
    )
    run = crates.script("core", **STD_LIB)
    crates.program(core, run)
    env = (("ASKED", "1"), ("OTHER", "2"), ("UNASKED", "3"))
    found = [
        {name: value for name, value in unit.environment if (name, value) in env} for unit in crates.plan(env=env).units
    ]
    asked, other, everything = {"ASKED": "1"}, {"OTHER": "2"}, dict(env)
    assert found == [other, asked, asked, everything, everything], "libc, core, the script, its run, the program"
    assert [dict(unit.environment).get("ASKED") for unit in crates.plan(env=()).units] == [None] * 5


@pytest.mark.parametrize("seed", range(20))
def test_programs_of_one_document_are_planned_as_each_alone(crates: Crates, seed: int) -> None:
    """Some packages have a script, a library and two programs, and others may use the library."""
    dice = random.Random(seed)  # noqa: S311 - a model
    libraries: list[int] = []
    programs: list[int] = []
    for number in range(6):
        needed = [index for index in libraries if dice.random() < 0.5]
        name = f"p{number}"
        script = [crates.script(name)] if dice.random() < 0.5 else []
        libraries.append(crates.add(name, *needed, *script))
        for program in "ab":
            source = Path(crates.paths.root, f"user-rs/{name}/src/{program}.rs")
            kind: dict[str, Any] = {"kind": "bin", "crate_types": ("bin",), "source": source}
            own = [index for index in (*needed, libraries[-1], *script) if dice.random() < 0.8]
            programs.append(crates.add(name, *own, **kind))
            crates.units[-1] = replace(crates.units[-1], target_name=f"{name}{program}")
    dice.shuffle(programs)
    shared = trees.context(crates.paths)
    graphs = [unit_graph.below(crates.units, root) for root in programs]
    together = [plan.plan_program(graph, shared) for graph in graphs]
    assert together == [plan.plan_program(graph, trees.context(crates.paths)) for graph in graphs]
    assert any(unit.package != made.unit.package for made in together for unit in made.units)
