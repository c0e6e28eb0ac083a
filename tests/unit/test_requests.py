from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import planned_trees as trees
import pytest

from ostoo_build import digest
from ostoo_build.build_script import Instructions
from ostoo_build.execution import requests
from ostoo_build.execution.record import Output, Record
from ostoo_build.execution.requests import Invocation, Target
from ostoo_build.rustc import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.execution.action import Action
    from ostoo_build.plan import PlannedUnit, Program

TARGET = Target("targets/x86_64-ostoo-user.json", "7" * 64)
SYSROOT = (("sysroot/x86_64-ostoo-user/lib/libc.a", "8" * 64),)
SOURCES = (("user-rs/rt/src/lib.rs", "9" * 64),)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return trees.planned(tmp_path, "hello-std")


def find(program: Program, name: str, kind: Kind = Kind.LIBRARY) -> PlannedUnit:
    (found,) = (
        unit
        for unit in program.units
        if unit.id.startswith(name) and unit.kind is kind and "compiler" not in unit.package
    )
    return found


def made(unit: PlannedUnit, **instructions: Any) -> Record:
    """The record of a unit that was built; a file's digest is that of its name."""
    names = {Kind.PROGRAM: (f"{unit.id}.rlink", f"{unit.id}.o"), Kind.RUN: ("out/generated.rs",)}.get(
        unit.kind, unit.outputs
    )
    outputs = {name: Output(digest.of_bytes(f"{unit.folder}/{name}".encode()), 1, executable=False) for name in names}
    return Record("k", outputs, instructions=Instructions(**instructions).to_json() if unit.kind is Kind.RUN else {})


def records(program: Program) -> dict[str, Record]:
    return {unit.id: made(unit) for unit in program.units}


def invocation(program: Program) -> Invocation:
    return Invocation(TARGET, "6" * 64, "/usr/bin/cc", {unit.id: unit for unit in program.units})


def act(program: Program, unit: PlannedUnit, **changed: Record) -> Action:
    complete = requests.run_action if unit.kind is Kind.RUN else requests.compile_action
    return complete(invocation(program), unit, SOURCES, {**records(program), **changed})


def link(program: Program, **changed: Record) -> Action:
    return requests.link_action(invocation(program), program, SYSROOT, {**records(program), **changed})


def options(action: Action, flag: str) -> list[str]:
    return [value for name, value in pairwise(action.arguments) if name == flag]


def inputs_of(action: Action, unit: PlannedUnit) -> list[str]:
    return [path.removeprefix(f"{unit.folder}/") for path, _ in action.inputs if path.startswith(f"{unit.folder}/")]


def test_a_library_reads_metadata_and_a_program_code(program: Program) -> None:
    core, rt = find(program, "core"), find(program, "ostoo_rt")
    metadata, code = core.outputs
    assert inputs_of(act(program, rt), core) == [metadata]
    assert inputs_of(act(program, program.units[-1]), core) == [code]
    assert inputs_of(link(program), core) == [code]


def test_each_input_carries_its_digest(program: Program) -> None:
    rt = find(program, "ostoo_rt")
    action = act(program, rt)
    assert set(SOURCES) < set(action.inputs)
    assert (TARGET.path, TARGET.sha256) in action.inputs
    assert all(sha256 == digest.of_bytes(path.encode()) for path, sha256 in action.inputs if path.startswith("build/"))


def test_libraries_are_named_by_path(program: Program) -> None:
    rt, std = find(program, "ostoo_rt"), find(program, "std")
    paths = dict(option.rpartition(":")[2].split("=") for option in options(act(program, std), "--extern"))
    assert paths["core"] == f"{find(program, 'core').folder}/{find(program, 'core').outputs[0]}"
    assert options(act(program, program.units[-1]), "--extern") == ["ostoo_rt"]
    assert f"crate={rt.folder}/rlib" in options(act(program, program.units[-1]), "-L")


def test_what_is_for_the_host_is_linked_by_the_hosts_linker_and_knows_no_target(program: Program) -> None:
    script = act(program, find(program, "build_script", Kind.BUILD_SCRIPT))
    assert "linker=/usr/bin/cc" in options(script, "-C")
    assert "--target" not in script.arguments
    assert TARGET.path not in dict(script.inputs)
    library = act(program, find(program, "core"))
    assert options(library, "--target") == [TARGET.path]
    assert "linker=/usr/bin/cc" not in library.arguments


def test_a_crate_gets_what_its_build_script_asked_for(program: Program) -> None:
    std, run = find(program, "std"), find(program, "build_script", Kind.RUN)
    asked = made(run, cfgs=["backtrace"], env={"STD_ENV_ARCH": "@{root}"}, link_libs=["c"])
    action = act(program, std, **{run.id: asked})
    assert "backtrace" in options(action, "--cfg")
    assert options(action, "-l") == ["c"]
    environment = dict(action.environment)
    assert environment["STD_ENV_ARCH"] == "@{at}{root}", "a build script's words are no placeholders"
    assert environment["OUT_DIR"] == f"@{{root}}/{run.folder}/out"
    assert inputs_of(action, run) == ["out/generated.rs"]
    assert "backtrace" not in options(act(program, find(program, "core"), **{run.id: asked}), "--cfg")


def test_a_run_starts_its_script_and_sees_the_metadata_of_the_runs_below(program: Program) -> None:
    run, script = find(program, "build_script", Kind.RUN), find(program, "build_script", Kind.BUILD_SCRIPT)
    below = replace(run, id="below-1", links="my-lib")
    units = {**invocation(program).units, below.id: below}
    kept = {**records(program), below.id: made(below, metadata={"include-dir": "/inc"})}
    action = requests.run_action(
        replace(invocation(program), units=units), replace(run, runs=(below.id,)), SOURCES, kept
    )
    assert action.mnemonic == "BuildScriptRun"
    assert action.arguments == (f"@{{root}}/{script.folder}/build-script",)
    assert inputs_of(action, script) == ["build-script"]
    assert dict(action.environment)["DEP_MY_LIB_INCLUDE_DIR"] == "/inc"
    assert set(SOURCES) < set(action.inputs)


def test_the_sysroot_is_an_input_of_the_link_only(program: Program) -> None:
    action = link(program)
    assert set(SYSROOT) < set(action.inputs)
    assert "native=sysroot/x86_64-ostoo-user/lib" in options(action, "-L")
    for unit in program.units:
        assert not set(SYSROOT) & set(act(program, unit).inputs)


def test_a_link_has_the_compilations_options_but_no_names(program: Program) -> None:
    found = options(link(program), "-C")
    assert {"linker=@{lld}", "strip=symbols", "lto=fat", "opt-level=s", "panic=abort"} <= set(found)
    assert not [option for option in found if option.startswith(("metadata=", "extra-filename="))]
    unit = program.units[-1]
    assert inputs_of(link(program), unit) == [f"{unit.id}.rlink", f"{unit.id}.o"]


def test_a_link_gets_what_build_scripts_ask_of_the_linker(program: Program) -> None:
    run = find(program, "build_script", Kind.RUN)
    asked = made(run, link_args=["-z"], bin_link_args=[f"{program.name}=now", "other=no"], link_searches=["native=/n"])
    of_a_library = link(program, **{run.id: asked})
    assert "native=/n" in options(of_a_library, "-L")
    assert "link-arg=-z" not in options(of_a_library, "-C"), "cargo gives it to programs of the same package only"
    own = replace(program, units=(*program.units[:-1], replace(program.units[-1], run=run.id)))
    assert [word for word in options(link(own, **{run.id: asked}), "-C") if word.startswith("link-arg")] == [
        "link-arg=-z",
        "link-arg=now",
    ]
