from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ostoo_build.actions.record import Record
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.ide import crate_graph, runnables
from ostoo_build.ide.project import Dependency
from ostoo_build.invocation.invocation import Invocation
from ostoo_build.planning.plan import Program
from ostoo_build.planning.planned_unit import CompileUnit, Extern, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import part_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.ide.project import Crate, Project
    from ostoo_build.planning.planned_unit import Unit

TARGET = "x"
PATHS = PathMap((("root", Path("/os")), ("toolchain", Path("/usr")), ("rust-src", Path("/src")), ("cargo", Path("/c"))))


def common(id_: str, *, is_std: bool, is_host: bool) -> dict[str, Any]:
    name = id_.partition("-")[0]
    package = f"@{{rust-src}}/{name}" if is_std else f"crates/{name}"
    manifest = f"{package}/Cargo.toml" if is_std else f"@{{root}}/{package}/Cargo.toml"
    return {
        "id": id_,
        "label": f"{name} v1.0.0",
        "package": package,
        "folder": f"build/{TARGET}/release/units/{id_}",
        "directory": "." if is_std else "crates",
        "is_std": is_std,
        "target": "" if is_host else TARGET,
        "environment": (("CARGO_PKG_VERSION", "1.0.0"), ("CARGO_MANIFEST_PATH", manifest)),
        "runs": (),
        "read_runs": (),
        "extra_inputs": (),
    }


def compiled(
    id_: str,
    kind: UnitKind = UnitKind.LIBRARY,
    needed: Sequence[str] = (),
    run: str | None = None,
    features: Sequence[str] = (),
    *,
    is_std: bool = False,
) -> CompileUnit:
    is_host = kind in (UnitKind.PROC_MACRO, UnitKind.BUILD_SCRIPT)
    name = id_.partition("-")[0]
    source = f"@{{rust-src}}/{name}/src/lib.rs" if is_std else f"{name}/src/lib.rs"
    flags = [word for feature in features for word in ("--cfg", f'feature="{feature}"')]
    return CompileUnit(
        **common(id_, is_std=is_std, is_host=is_host),
        kind=kind,
        is_incremental=False,
        arguments=("--crate-name", name, "--edition=2021", source, "-C", "opt-level=3", "-C", "metadata=x", *flags),
        externs=tuple(Extern(other, other.partition("-")[0], noprelude=False, is_private=False) for other in needed),
        libraries=tuple(needed),
        run=run,
        takes_libraries=True,
        outputs=(f"lib{id_}.so",) if kind is UnitKind.PROC_MACRO else (f"rmeta/lib{id_}.rmeta", f"rlib/lib{id_}.rlib"),
    )


def run_of(id_: str, script: str) -> RunBuildScript:
    return RunBuildScript(**common(id_, is_std=False, is_host=False), targets=(), script=script, links="")


def program(*units: Unit) -> Program:
    name = units[-1].id.partition("-")[0]
    return Program(name, TARGET, "bin", name, "release", uses_std=False, behind_sysroot=0, strip="none", units=units)


def context(programs: Sequence[Program], said: str = "", *, is_built: bool = True) -> crate_graph.Context:
    units = {unit.id: unit for each in programs for unit in each.units}
    spec = Input("targets/x.json", "0" * 64, 0)
    found = Invocation({TARGET: spec}, Input("@{toolchain}", "0" * 64, 0, is_folder=True), (), "machine", units)
    wanted = part_nodes.wanted_by_editor(programs) if is_built else {}
    return crate_graph.Context(
        paths=PATHS,
        invocation=found,
        records={id_: Record("0" * 64, {}, stdout=said) for id_ in wanted},
        specs={TARGET: "/os/targets/x.json"},
        cfgs=lambda target, flags: (f'target="{target}"', " ".join(flags)),
        runnables=runnables.of("/os/ostoo", "/os"),
    )


@st.composite
def pools(draw: st.DrawFn, std: str) -> dict[str, Unit]:
    """Units above one std by id: macros, build scripts with their runs, and libraries, some in several ways."""
    units: dict[str, Unit] = {f"core-{std}": compiled(f"core-{std}", is_std=True)}
    units[f"alloc-{std}"] = compiled(f"alloc-{std}", needed=[f"core-{std}"], is_std=True)
    kinds = st.sampled_from([UnitKind.LIBRARY, UnitKind.LIBRARY, UnitKind.PROC_MACRO, UnitKind.BUILD_SCRIPT])
    for number in range(draw(st.integers(0, 7))):
        id_ = f"{draw(st.sampled_from('abc'))}-{std}{number}"
        needed, kind = draw(st.lists(st.sampled_from(_usable(units)), unique=True)), draw(kinds)
        run = draw(st.sampled_from([None, *(unit.id for unit in units.values() if isinstance(unit, RunBuildScript))]))
        features = draw(st.lists(st.sampled_from(["f", "g"]), unique=True))
        units[id_] = compiled(id_, kind, needed, run, features)
        if kind is UnitKind.BUILD_SCRIPT:
            units[f"{id_}r"] = run_of(f"{id_}r", id_)
    return units


def _usable(units: dict[str, Unit]) -> list[str]:
    compilations = (unit for unit in units.values() if isinstance(unit, CompileUnit))
    return [unit.id for unit in compilations if unit.kind is not UnitKind.BUILD_SCRIPT]


@st.composite
def programs(draw: st.DrawFn) -> list[Program]:
    """Programs that share units, above one of two stds."""
    both, found = [draw(pools("1")), draw(pools("2"))], []
    for name in draw(st.lists(st.sampled_from(["p", "q", "r"]), unique=True, min_size=1)):
        units = draw(st.sampled_from(both))
        chosen = draw(st.lists(st.sampled_from(_usable(units)), unique=True))
        needed = list(dict.fromkeys([next(iter(units)), *chosen]))  # the first is core
        found.append(program(*_closure(units, needed), compiled(f"{name}-x", UnitKind.PROGRAM, needed)))
    return found


def _closure(units: dict[str, Unit], needed: Sequence[str]) -> list[Unit]:
    found: dict[str, Unit] = {}

    def visit(id_: str) -> None:
        for other in units[id_].prerequisites if id_ not in found else ():
            visit(other)
        found.setdefault(id_, units[id_])

    for id_ in needed:
        visit(id_)
    return [*found.values()]


def crates(project: Project) -> tuple[Crate, ...]:
    return (*project.sysroot_project.crates, *project.crates)


@given(programs())
def test_a_document_has_each_crate_of_its_programs_once(found: list[Program]) -> None:
    documents = list(crate_graph.projects(found, context(found)))
    for project in documents:
        for listed in (project.crates, project.sysroot_project.crates):
            assert all(each.crate < len(listed) for crate in listed for each in crate.deps)
            assert all(listed[each.crate].display_name == each.name for crate in listed for each in crate.deps)
        labels = [crate.build.label for crate in crates(project) if crate.build]
        assert len(labels) == len(set(labels))
        std, host = project.sysroot_project.crates, [crate for crate in project.crates if not crate.target]
        assert not host or {"core", "alloc", "std", "proc_macro"} <= {crate.display_name for crate in std}
        of_std = [crate.display_name for crate in project.sysroot_project.crates]
        assert len(of_std) == len(set(of_std)), "a name of std stands for one crate"
        assert all(crate.source.include_dirs[0] in crate.root_module for crate in crates(project))
    for each in found:
        units = [unit for unit in each.units if isinstance(unit, CompileUnit)]
        of_it = [project for project in documents if any(_is_of(crate, each) for crate in project.crates)]
        assert len(of_it) == 1
        assert {unit.id.partition("-")[0] for unit in units} <= {crate.display_name for crate in crates(of_it[0])}
        assert len(crates(of_it[0])) >= len(units)
    every = {unit.id for each in found for unit in each.units if isinstance(unit, CompileUnit)}
    if len(documents) == 1:
        of_plans = [crate for crate in crates(documents[0]) if crate.target or crate.is_workspace_member]
        assert len(of_plans) == len(every)


def _is_of(crate: Crate, of: Program) -> bool:
    return crate.build is not None and crate.build.label == of.name


def test_a_crate_has_what_rustc_gets() -> None:
    script, core = compiled("build-1", UnitKind.BUILD_SCRIPT), compiled("core-1", is_std=True)
    library = compiled("a-1", needed=["core-1"], run="run-1", features=["f"])
    top = compiled("p-1", UnitKind.PROGRAM, ["a-1", "core-1"])
    found = [program(core, script, run_of("run-1", "build-1"), library, top)]
    said = "cargo::rustc-cfg=fast\ncargo::rustc-env=WORD=x@{at}y\n"
    (project,) = crate_graph.projects(found, context(found, said))
    core_crate, *others = project.sysroot_project.crates
    assert [crate.display_name for crate in others] == ["alloc", "std", "proc_macro"], "the script needs them"
    build, a, p = project.crates
    assert (core_crate.target, build.target) == ("/os/targets/x.json", None)
    assert core_crate.cfg == ('target="x"', "-C opt-level=3")
    assert build.cfg == ()
    assert a.cfg == ('target="x"', "-C opt-level=3", 'feature="f"', "fast")
    assert a.env["WORD"] == "x@y"
    assert a.env["OUT_DIR"] == "/os/build/x/release/units/run-1/out"
    assert a.env["OUT_DIR"] in a.source.include_dirs
    assert (a.root_module, a.edition, a.version) == ("/os/crates/a/src/lib.rs", "2021", "1.0.0")
    assert core_crate.root_module == "/src/core/src/lib.rs"
    assert not core_crate.is_workspace_member
    assert p.deps == (Dependency(1, "a"),), "rust-analyzer itself adds the crates of std"
    assert p.build is not None
    assert (p.build.label, p.build.target_kind) == ("p", "bin")
    assert json.loads(project.to_bytes())["crates"][0]["display_name"] == "build"


@pytest.mark.parametrize("is_built", [True, False])
def test_a_macro_that_was_not_built_has_no_library(*, is_built: bool) -> None:
    macro, top = compiled("m-1", UnitKind.PROC_MACRO), compiled("p-1", UnitKind.PROGRAM, ["m-1"])
    found = [program(macro, top)]
    (project,) = crate_graph.projects(found, context(found, is_built=is_built))
    path = "/os/build/x/release/units/m-1/libm-1.so" if is_built else None
    assert project.crates[0].proc_macro_dylib_path == path
    assert project.crates[0].is_proc_macro


def test_programs_with_another_std_have_a_document_of_their_own() -> None:
    found = []
    for name, core in (("a", "core-2"), ("p", "core-1"), ("q", "core-2"), ("r", "core-1"), ("s", "core-1")):
        top = compiled(f"{name}-1", UnitKind.PROGRAM, [core])
        found.append(program(compiled(core, is_std=True), top))
    one, other = crate_graph.projects(found, context(found))
    assert [crate.display_name for crate in one.crates] == ["p", "r", "s"]
    assert [crate.display_name for crate in other.crates] == ["a", "q"]


def test_a_package_at_the_top_leaves_out_what_builds_make() -> None:
    top = compiled("p-1", UnitKind.PROGRAM)
    found = [program(replace(top, package=".", directory="."))]
    (project,) = crate_graph.projects(found, context(found))
    assert {"/os/build", "/os/sysroot", "/os/target"} <= set(project.crates[0].source.exclude_dirs)
