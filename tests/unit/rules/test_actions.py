from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import planned_trees as trees
import pytest
from msgspec import structs
from msgspec.structs import replace

from ostoo_build.actions import compiler_output
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.invocation.invocation import Invocation
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rules.actions import AskedFor

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import PlannedUnit, Unit

TARGET = Input("targets/x86_64-ostoo-user.json", "7" * 64, 1)
SYSROOT = (Input("sysroot/x86_64-ostoo-user/lib/libc.a", "8" * 64, 1),)
SOURCES = (Input("user-rs/rt/src/lib.rs", "9" * 64, 1),)
TOOLS = Input(".ostoo/toolchain", "6" * 64, 1, is_folder=True)
ASKED_NOTHING = AskedFor("", {})
ASKED_FILES = AskedFor("1" * 64, {})


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return trees.planned(tmp_path, "hello-std")


def find(program: Program, name: str, kind: UnitKind = UnitKind.LIBRARY) -> CompileUnit:
    (found,) = (unit for unit in trees.compiled(program, name, kind) if "compiler" not in unit.package)
    return found


def find_run(program: Program) -> RunBuildScript:
    (found,) = (unit for unit in trees.runs(program) if "compiler" not in unit.package)
    return found


def made(unit: Unit, *said: str) -> Record:
    """The record of a unit that was built, for a run with what its script said; a file's contents are its path."""
    names = _outputs(unit) if isinstance(unit, CompileUnit) else ("out/generated.rs",)
    paths = {name: f"{unit.folder}/{name}" for name in names}
    outputs = {
        name: Output(digest.of_bytes(path.encode()), len(path), executable=False) for name, path in paths.items()
    }
    return Record("k", outputs, stdout="".join(f"cargo::{line}\n" for line in said))


def _outputs(unit: CompileUnit) -> tuple[str, ...]:
    return (f"{unit.id}.rlink", f"{unit.id}.o") if unit.kind is UnitKind.PROGRAM else unit.outputs


def records(program: Program) -> dict[str, Record]:
    return {unit.id: made(unit) for unit in program.units}


def invocation(program: Program) -> Invocation:
    units = {unit.id: unit for unit in program.units}
    return Invocation({"x86_64-ostoo-user": TARGET}, TOOLS, (("RUSTC_BOOTSTRAP", "1"),), "this machine", units)


def act(program: Program, unit: Unit, **changed: Record) -> Action:
    known = {**records(program), **changed}
    if isinstance(unit, RunBuildScript):
        return rule_actions.run_action(invocation(program), unit, SOURCES, known, ASKED_NOTHING)
    return rule_actions.compile_action(invocation(program), unit, SOURCES, known, {})


def link(program: Program, **changed: Record) -> Action:
    return rule_actions.link_action(invocation(program), program, SYSROOT, {**records(program), **changed})


def options(action: Action, flag: str) -> list[str]:
    return [value for name, value in pairwise(action.arguments) if name == flag]


def inputs_of(action: Action, unit: PlannedUnit) -> list[str]:
    prefix = f"{unit.folder}/"
    return [entry.path.removeprefix(prefix) for entry in action.inputs if entry.path.startswith(prefix)]


def test_a_library_reads_metadata_and_a_program_code(program: Program) -> None:
    core, rt = find(program, "core"), find(program, "ostoo_rt")
    metadata, code = core.outputs
    assert inputs_of(act(program, rt), core) == [metadata]
    assert inputs_of(act(program, program.unit), core) == [code]
    assert inputs_of(link(program), core) == [code]


def test_each_input_carries_its_digest(program: Program) -> None:
    rt = find(program, "ostoo_rt")
    action = act(program, rt)
    assert set(SOURCES) < set(action.inputs)
    assert TARGET in action.inputs
    built = [entry for entry in action.inputs if entry.path.startswith("build/")]
    assert built
    assert all(entry == Input(entry.path, digest.of_bytes(entry.path.encode()), len(entry.path)) for entry in built)


def test_an_output_is_an_input_with_all_that_is_known_of_it(program: Program) -> None:
    outputs = {"a": Output("1" * 64, 7, executable=True), "b/c": Output("2" * 64, 8, executable=False)}
    expected = (Input("build/units/x/a", "1" * 64, 7, executable=True), Input("build/units/x/b/c", "2" * 64, 8))
    assert rule_actions.output_inputs("build/units/x", Record("k", outputs)) == expected
    script, run = find(program, "build_script", UnitKind.BUILD_SCRIPT), find_run(program)
    built = Record("k", {name: Output("3" * 64, 9, executable=True) for name in script.outputs})
    assert (
        Input(f"{script.folder}/build-script", "3" * 64, 9, executable=True)
        in act(program, run, **{script.id: built}).inputs
    )


def test_libraries_are_named_by_path(program: Program) -> None:
    rt, std = find(program, "ostoo_rt"), find(program, "std")
    paths = dict(option.rpartition(":")[2].split("=") for option in options(act(program, std), "--extern"))
    assert paths["core"] == f"{find(program, 'core').folder}/{find(program, 'core').outputs[0]}"
    assert options(act(program, program.unit), "--extern") == ["ostoo_rt"]
    assert f"crate=../{rt.folder}/rlib" in options(act(program, program.unit), "-L")


def test_what_is_for_the_host_is_linked_by_the_hosts_linker_and_knows_no_target(program: Program) -> None:
    script = act(program, find(program, "build_script", UnitKind.BUILD_SCRIPT))
    assert "linker=cc" in options(script, "-C")
    assert "--target" not in script.arguments
    assert TARGET not in script.inputs
    assert script.salt == (("host", "this machine"),)
    of_host = structs.replace(find(program, "std"), target="")
    assert [act(program, unit).salt for unit in (of_host, find(program, "std"), program.unit)] == [(), (), ()]
    library = act(program, find(program, "core"))
    assert options(library, "--target") == [TARGET.path]
    assert "linker=cc" not in library.arguments
    assert "this machine" not in dict(library.environment).values()


def test_an_action_names_its_tools_and_what_it_makes(program: Program) -> None:
    rt, run = find(program, "ostoo_rt"), find_run(program)
    unit = program.unit
    assert act(program, rt).outputs == tuple(f"{rt.folder}/{name}" for name in ("dep-info.d", *rt.outputs))
    assert act(program, unit).outputs == (f"{unit.folder}/",), "rustc names the objects"
    assert act(program, run).outputs == (f"{run.folder}/out/",)
    assert link(program).outputs == (f"{unit.folder}/{unit.id}", f"{unit.folder}/{unit.id}.link.d")
    for action in (act(program, rt), act(program, run), link(program)):
        assert action.tools == TOOLS
    assert dict(link(program).environment)["RUSTC_BOOTSTRAP"] == "1"


def test_a_crate_gets_what_its_build_script_asked_for(program: Program) -> None:
    std, run = find(program, "std"), find_run(program)
    asked = made(run, "rustc-cfg=backtrace", "rustc-env=STD_ENV_ARCH=@{root}/out", "rustc-link-lib=c")
    action = act(program, std, **{run.id: asked})
    assert "backtrace" in options(action, "--cfg")
    assert options(action, "-l") == ["c"]
    environment = dict(action.environment)
    assert environment["STD_ENV_ARCH"] == "@{root}/out", "what a build script said was made portable when it ran"
    assert environment["OUT_DIR"] == f"@{{root}}/{run.folder}/out"
    assert inputs_of(action, run) == ["out/generated.rs"]
    assert "backtrace" not in options(act(program, find(program, "core"), **{run.id: asked}), "--cfg")


def test_a_run_sees_the_variables_of_the_user_that_it_asks_for_unless_cargo_sets_them(program: Program) -> None:
    run = find_run(program)
    asked = AskedFor("", {"CC": "mine", "TARGET": "mine"})
    action = rule_actions.run_action(invocation(program), run, SOURCES, records(program), asked)
    assert dict(action.environment)["CC"] == "mine"
    assert dict(action.environment)["TARGET"] == dict(run.environment)["TARGET"] != "mine"
    other = rule_actions.run_action(invocation(program), run, SOURCES, records(program), AskedFor("", {"CC": "other"}))
    assert action.key != other.key


def test_a_run_starts_its_script_and_sees_the_metadata_of_the_runs_below(program: Program) -> None:
    run, script = find_run(program), find(program, "build_script", UnitKind.BUILD_SCRIPT)
    below = structs.replace(run, id="below-1", links="my-lib")
    units = {**invocation(program).units, below.id: below}
    kept = {**records(program), below.id: made(below, "metadata=include-dir=/inc")}
    of_run = structs.replace(run, runs=(below.id,), read_runs=(below.id,))
    all_units = replace(invocation(program), units=units)
    action = rule_actions.run_action(all_units, of_run, SOURCES, kept, ASKED_NOTHING)
    led = rule_actions.run_action(all_units, of_run, SOURCES, kept, ASKED_FILES)
    assert action.key != led.key, "links lead elsewhere"
    assert action.mnemonic == "BuildScriptRun"
    assert action.arguments == (f"@{{root}}/{script.folder}/build-script",)
    assert inputs_of(action, script) == ["build-script"]
    assert dict(action.environment)["DEP_MY_LIB_INCLUDE_DIR"] == "/inc"
    assert dict(action.environment)["RUSTC_BOOTSTRAP"] == "1", "cargo needs it there too, and hands it on"
    assert action.directory == run.package
    assert set(SOURCES) < set(action.inputs)


def test_the_sysroot_is_an_input_of_the_link_only(program: Program) -> None:
    action = link(program)
    assert set(SYSROOT) < set(action.inputs)
    assert "native=../sysroot/x86_64-ostoo-user/lib" in options(action, "-L")
    for unit in program.units:
        assert not set(SYSROOT) & set(act(program, unit).inputs)


def test_a_link_has_the_compilations_options_but_no_names(program: Program) -> None:
    found = options(link(program), "-C")
    assert {"linker=@{lld}", "strip=none", "lto=fat", "opt-level=s", "panic=abort"} <= set(found)
    assert not [option for option in found if option.startswith(("metadata=", "extra-filename="))]
    unit = program.unit
    assert inputs_of(link(program), unit) == [f"{unit.id}.rlink", f"{unit.id}.o"]


def test_a_link_gets_what_build_scripts_ask_of_the_linker(program: Program) -> None:
    run = find_run(program)
    asked = made(
        run,
        "rustc-link-arg=-z",
        f"rustc-link-arg-bin={program.name}=now",
        "rustc-link-arg-bin=other=no",
        "rustc-link-search=native=/n",
    )
    of_a_library = link(program, **{run.id: asked})
    assert "native=/n" in options(of_a_library, "-L")
    assert "link-arg=-z" not in options(of_a_library, "-C"), "cargo gives it to programs of the same package only"
    own = replace(program, units=(*program.units[:-1], structs.replace(program.unit, run=run.id)))
    words = options(rule_actions.link_action(invocation(own), own, SYSROOT, {**records(own), run.id: asked}), "-C")
    arguments = [word for word in words if word.startswith("link-arg")]
    assert arguments[:-1] == ["link-arg=-z", "link-arg=now"]
    assert arguments[-1].startswith("link-arg=--dependency-file=")


START_FILES = tuple(
    Input(f"sysroot/x86_64-ostoo-user/lib/{name}", "7" * 64, 1) for name in ("crt1.o", "crti.o", "crtn.o")
)


def linked_to_libc(program: Program, targets: frozenset[str]) -> list[str]:
    """The words of a link that name start files, with what stands around them."""
    asked = structs.replace(invocation(program), with_start_files=targets)
    action = rule_actions.link_action(asked, program, (*SYSROOT, *START_FILES), records(program))
    assert set(START_FILES) <= set(action.inputs)
    return [word for word in action.arguments if "lib/crt" in word or word.endswith("-lib")]


def test_a_program_begins_in_libc_where_its_target_says_so(program: Program) -> None:
    """`_start` only where the program has none: a runtime crate may define it."""
    lib = "../sysroot/x86_64-ostoo-user/lib"
    assert linked_to_libc(program, frozenset({"x86_64-ostoo-user"})) == [
        f"-Zpre-link-arg={lib}/crti.o",
        *("link-arg=--start-lib", f"link-arg={lib}/crt1.o", "link-arg=--end-lib"),
        f"link-arg={lib}/crtn.o",
    ]
    assert linked_to_libc(program, frozenset({"another"})) == []
    assert linked_to_libc(replace(program, uses_std=False), frozenset({"x86_64-ostoo-user"})) == []


FLAGS = (
    "-C opt-level=s -C panic=abort -C lto=fat -Zemit-stack-sizes -Zchecksum-hash-algorithm=sha256 -Zunstable-options"
)


def test_a_link_is_all_of_this_in_this_order(program: Program) -> None:
    action, unit = link(program), program.unit
    name = f"../{unit.folder}/{unit.id}"
    first = f"@{{rustc}} -Zlink-only {name}.rlink --target ../{TARGET.path} -Zunstable-options {FLAGS}"
    search = "-Cforce-frame-pointers=yes -L native=../sysroot/x86_64-ostoo-user/lib -C linker=@{lld} -C strip=none"
    last = f"-C link-arg=--dependency-file={name}.link.d"
    assert " ".join(action.arguments) == f"{first} {search} {last}"
    assert action.environment == (("RUSTC_BOOTSTRAP", "1"), *unit.environment)
    assert len(unit.environment) > 10
    assert (action.mnemonic, action.directory, action.tools) == ("Link", "user-rs", TOOLS)
    libraries = [find_any(program, id_) for id_ in unit.libraries]
    runs = [find_any(program, id_) for id_ in unit.runs]
    assert (len(libraries), len(runs)) == (6, 2)
    objects = rule_actions.output_inputs(unit.folder, made(unit))
    code = [built(library, library.outputs[-1]) for library in libraries if isinstance(library, CompileUnit)]
    found = [built(run, "out/generated.rs") for run in runs]
    assert action.inputs == (TARGET, *objects, *code, *found, *SYSROOT)


def find_any(program: Program, id_: str) -> Unit:
    (found,) = (unit for unit in program.units if unit.id == id_)
    return found


def built(unit: Unit, name: str) -> Input:
    """A file as `made` has it."""
    path = f"{unit.folder}/{name}"
    return Input(path, digest.of_bytes(path.encode()), len(path))


def test_a_compilation_is_all_of_this_in_this_order(program: Program) -> None:
    std, run = find(program, "std"), find_run(program)
    names = ("core", "compiler_builtins", "alloc", "panic_abort")
    below = {unit.id.rpartition("-")[0]: unit for unit in program.units if isinstance(unit, CompileUnit)}
    metadata = {name: f"{below[name].folder}/{below[name].outputs[0]}" for name in names}
    said = made(run, "rustc-cfg=found", "rustc-link-lib=c", "rustc-link-search=native=/n", "rustc-env=FOUND=1")
    action = act(program, std, **{run.id: said})
    externs = [f"--extern {name}={metadata[name]}" for name in ("alloc", "core", "panic_abort")]
    folders = [f"-L dependency={metadata[name].rpartition('/')[0]}" for name in names]
    asked = f"-L native=/n -l c --cfg found --target {TARGET.path}"
    words = ["@{rustc}", *std.arguments, *asked.split(), *" ".join((*externs, *folders)).split()]
    assert sorted(action.arguments) == sorted(words)
    assert action.arguments[: 1 + len(std.arguments)] == ("@{rustc}", *std.arguments)
    out = ("OUT_DIR", f"@{{root}}/{run.folder}/out")
    assert action.environment == (("RUSTC_BOOTSTRAP", "1"), *std.environment, out, ("FOUND", "1"))
    libraries = (built(below[name], below[name].outputs[0]) for name in names)
    assert action.inputs == (*SOURCES, *libraries, TARGET, built(run, "out/generated.rs"))
    assert (action.mnemonic, action.directory, action.tools) == ("Rustc", ".", TOOLS)


def test_a_run_is_all_of_this(program: Program) -> None:
    run, script = find_run(program), find(program, "build_script", UnitKind.BUILD_SCRIPT)
    mine = structs.replace(run, environment=(*run.environment, ("NUM_JOBS", "7"), ("RUSTFLAGS", "-O")))
    action = rule_actions.run_action(invocation(program), mine, SOURCES, records(program), ASKED_NOTHING)
    assert action.environment == (("RUSTC_BOOTSTRAP", "1"), *run.environment)
    assert action.salt == (("host", "this machine"),)
    assert action.inputs == (*SOURCES, built(script, "build-script"))
    linked = rule_actions.run_action(invocation(program), run, SOURCES, records(program), ASKED_FILES)
    assert linked == structs.replace(action, salt=(*action.salt, ("requested files", "1" * 64)))


def test_a_library_by_its_code_carries_the_script_runs_that_a_link_searches(program: Program) -> None:
    """Only where the words of a run of another package make rustc look there, its files are read."""
    rt = find(program, "ostoo_rt")
    (other,) = rt.runs
    assert other not in rt.read_runs
    run = find_any(program, other)
    assert inputs_of(act(program, rt), run) == []
    searching = made(run, "rustc-link-search=native=@{root}/x")
    assert inputs_of(act(program, rt, **{other: searching}), run) == ["out/generated.rs"]


def test_empty_folders_of_a_record_are_inputs_too() -> None:
    known = Record("k", {"a": Output("1" * 64, 7, executable=False)}, folders=("out/empty",))
    file, folder = rule_actions.output_inputs("build/x", known)
    assert file == Input("build/x/a", "1" * 64, 7)
    assert (folder.path, folder.size, folder.is_folder) == ("build/x/out/empty", 0, True)
    assert folder.sha256 == digest.of_bytes(b"")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("-C opt-level=3 -Copt-level=3", "-C opt-level=3 -Copt-level=3"),
        ("-Z no-link -Zno-link -C metadata=a -C extra-filename=-a", ""),
        ("-O -g", "-O -g"),
        ("-Zemit-stack-sizes -Z threads=2", "-Zemit-stack-sizes -Z threads=2"),
        ("--cfg a --crate-name b --edition=2021 -W unused", ""),
        ("-L native=/n -L /all -Lframework=/f", "-L native=/n -L /all -Lframework=/f"),
        ("-L dependency=/d -L crate=/c", ""),
    ],
)
def test_a_link_knows_of_a_compilations_options_those_that_a_linker_may_ask_for(words: str, kept: str) -> None:
    assert " ".join(rule_actions.link_flags(tuple(words.split()))) == kept


@pytest.mark.parametrize(("behind", "order"), [(0, "/a /b /s"), (1, "/a /s /b"), (2, "/s /a /b")])
def test_the_sysroot_is_searched_where_it_stood_among_the_flags(behind: int, order: str, program: Program) -> None:
    flags = ("-L", "native=/a", "-C", "opt-level=1", "-L", "native=/b")
    unit = structs.replace(program.unit, arguments=flags)
    mine = structs.replace(program, units=(*program.units[:-1], unit), behind_sysroot=behind)
    sysroot = tuple(Input(f"/{name}", "8" * 64, 1) for name in ("s/more/x.a", "s/libc.a", "s/crt1.o"))
    action = rule_actions.link_action(invocation(mine), mine, sysroot, records(mine))
    found = [word.removeprefix("native=").replace("..//s", "/s") for word in options(action, "-L")]
    assert " ".join(found) == order.replace("/s", "/s /s/more"), "each folder once, whatever the order of files"
    assert "opt-level=1" in action.arguments


def test_a_crate_hears_its_own_script_in_cargos_order(program: Program) -> None:
    """Search folders of all runs, libraries and flags of its own; a proc macro is linked at once."""
    std, run = find(program, "std"), find_run(program)
    said = made(run, "rustc-link-search=native=/n", "rustc-link-lib=c", "rustc-link-arg=-z", "rustc-cfg=found")
    mine = invocation(program)

    def asked(unit: CompileUnit) -> str:
        made_of = {**records(program), run.id: said}
        words = rule_actions.compile_action(mine, unit, SOURCES, made_of, {}).arguments
        plain = rule_actions.compile_action(mine, unit, SOURCES, records(program), {}).arguments
        return " ".join(word for word in words if word not in plain)

    assert asked(std) == "native=/n -l c found"
    assert "link-arg=-z" not in asked(std), "a library is not linked"
    macro = structs.replace(std, kind=UnitKind.PROC_MACRO, target="")
    assert "link-arg=-z" in asked(macro)
    nobodys = structs.replace(std, takes_libraries=False)
    assert (
        options(rule_actions.compile_action(mine, nobodys, SOURCES, {**records(program), run.id: said}, {}), "-l") == []
    )


def test_where_a_script_has_rustc_find_crates_it_proves_more(program: Program) -> None:
    std, run = find(program, "std"), find_run(program)
    said = {run.id: made(run, "rustc-link-search=dependency=/d")}
    proof = "-Zbinary-dep-depinfo"
    assert proof not in act(program, std).arguments
    assert act(program, std, **said).arguments.count(proof) == 1
    already = structs.replace(std, arguments=(*std.arguments, proof))
    assert act(program, already, **said).arguments.count(proof) == 1


def test_what_a_run_may_have_seen_changes_neither_the_host_nor_the_names_of_files(program: Program) -> None:
    run = rule_actions.run_action(invocation(program), find_run(program), SOURCES, records(program), ASKED_NOTHING)
    own = (Input("a/one.rs", "1" * 64, 1), Input("a/two.rs", "2" * 64, 2))
    action = structs.replace(run, inputs=(*run.inputs, *own))
    seen = rule_actions.seeing(action, own, ("a/one.rs",))
    assert seen.salt[:1] == action.salt == (("host", "this machine"),)
    assert seen.inputs == (*run.inputs, own[0])
    assert rule_actions.seeing(action, own[::-1], ("a/one.rs",)).key == seen.key
    renamed = (own[0], own[1]._replace(path="a/three.rs"))
    assert rule_actions.seeing(action, renamed, ("a/one.rs",)).salt != seen.salt


def test_rustc_runs_where_the_plan_says(program: Program) -> None:
    assert act(program, find(program, "ostoo_rt")).directory == "user-rs"


def test_a_program_is_compiled_by_the_words_of_its_own_script_alone(program: Program) -> None:
    """What other packages' scripts ask for is for its link."""
    run = find_run(program)
    said = made(run, "rustc-cfg=found", "rustc-link-search=native=/n")
    action = act(program, program.unit, **{run.id: said})
    assert "found" not in options(action, "--cfg")
    assert "native=/n" not in options(action, "-L")
    own = structs.replace(program.unit, run=run.id)
    mine = rule_actions.compile_action(invocation(program), own, SOURCES, {**records(program), run.id: said}, {})
    assert "found" in options(mine, "--cfg")
    assert "native=/n" in options(mine, "-L")
    assert inputs_of(mine, run) == ["out/generated.rs"], "rustc looks there"


def test_what_the_assembly_of_a_library_takes_in_is_an_input_of_who_may_assemble_it(program: Program) -> None:
    rt = find(program, "ostoo_rt")
    included = Input("user-rs/rt/src/start.s", "4" * 64, 9)
    said = replace(made(rt), stdout=compiler_output.joined(msgspec.json.encode((included,)).decode(), "{}\n"))
    assert included in act(program, program.unit, **{rt.id: said}).inputs
    for unit in trees.compiled(program, "std", UnitKind.LIBRARY):
        reader = structs.replace(unit, libraries=(*unit.libraries, rt.id))
        known = {**records(program), rt.id: said}
        assert included not in rule_actions.compile_action(invocation(program), reader, SOURCES, known, {}).inputs


def test_a_flag_of_a_script_that_writes_a_file_is_refused_at_each_link(program: Program) -> None:
    run = find_run(program)
    said = made(run, "rustc-link-arg=-Map=x")
    own = structs.replace(program.unit, run=run.id)
    mine = replace(program, units=(*program.units[:-1], own))
    known = {**records(mine), run.id: said}
    assert rule_actions.link_action(invocation(mine), mine, SYSROOT, records(mine))
    with pytest.raises(OstooError, match="the link argument `-Map=x` is not allowed") as caught:
        rule_actions.link_action(invocation(mine), mine, SYSROOT, known)
    assert caught.value.where == f"{own.package}/build.rs"
    macro = structs.replace(find(program, "std"), kind=UnitKind.PROC_MACRO, target="")
    with pytest.raises(OstooError, match="the link argument `-Map=x` is not allowed") as caught:
        rule_actions.compile_action(invocation(program), macro, SOURCES, known, {})
    assert caught.value.where == f"{macro.package}/build.rs"
