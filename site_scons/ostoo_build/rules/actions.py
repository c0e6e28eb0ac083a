"""Completes planned units to actions, with the target, the digests of dependencies, and build scripts' instructions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions import compiler_output
from ostoo_build.actions.action import Action
from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import NOTHING, Input
from ostoo_build.base.paths import absolute, seen_from
from ostoo_build.planning import planned_unit, rustc_flags
from ostoo_build.planning.rustc_flags import DEP_INFO, UnitKind
from ostoo_build.rules import asm_proof, link_proof
from ostoo_build.rust import build_script, flag_rules
from ostoo_build.rust import options as rustc_options
from ostoo_build.rust.build_script import Instructions, ScriptOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ostoo_build.actions.record import Record
    from ostoo_build.invocation.invocation import Inputs, Invocation
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript

_OF_THE_RUN = frozenset({"NUM_JOBS", "RUSTFLAGS"})
"""Variables that cargo sets for or removes from a build script, whatever `[env]` says."""


class AskedFor(Struct, frozen=True):
    """What a build script asked for in its last run: a digest of files, or empty, and the user's variables."""

    files: digest.Hash
    variables: Mapping[str, str]


def link_action(invocation: Invocation, program: Program, sysroot: Inputs, records: Mapping[str, Record]) -> Action:
    """Create the action that links a compiled program with all symbols.

    `sysroot` are the libraries that it may take from the musl sysroot. rustc's `.rlink` file names the program's
    objects, the libraries, and the link arguments.
    """
    unit, target = program.unit, invocation.targets[program.target]
    seen = partial(seen_from, directory=unit.directory)
    searches = sorted({f"native={seen(entry.path.rpartition('/')[0])}" for entry in sysroot})
    begins_in_libc = program.uses_std and program.target in invocation.with_start_files
    start = tuple(_start_files(sysroot, seen)) if begins_in_libc else ()
    own = _instructions(invocation, unit.run, records)
    said = tuple(_said(invocation, unit.runs, records))
    asked = [*build_script.search_flags(said), *own.link_flags(program.kind, program.target_name)]
    flag_rules.check(asked, f"{unit.package}/build.rs")
    arguments = [
        *("@{rustc}", "-Zlink-only", f"{seen(unit.folder)}/{unit.id}.rlink"),
        *("--target", seen(target.path), "-Zunstable-options"),
        *_searching(tuple(link_flags(unit.arguments)), searches, program.behind_sysroot),
        *asked,
        *start,
        *("-C", "linker=@{lld}"),
        *("-C", "strip=none"),
        *("-C", f"link-arg={link_proof.OPTION}{seen(link_proof.dependency_file(unit.folder, unit.id))}"),
    ]
    return Action(
        mnemonic="Link",
        arguments=tuple(arguments),
        environment=tuple(dict((*invocation.environment, *unit.environment)).items()),
        inputs=(
            *(target, *output_inputs(unit.folder, records[unit.id]), *_libraries(invocation, unit, records)),
            *(*_run_files(invocation, unit.runs, records), *sysroot),
        ),
        outputs=(f"{unit.folder}/{unit.id}", link_proof.dependency_file(unit.folder, unit.id)),
        tools=invocation.tools,
        directory=unit.directory,
    )


def _start_files(sysroot: Inputs, seen: Callable[[str], str]) -> Iterator[str]:
    """Yield the flags that link musl's start files, in the order that C compilers have.

    `crt1.o` defines `_start` and counts only where nothing else does, as a member of a library: a runtime crate may.
    """
    begin, start, end = (
        next(seen(entry.path) for entry in sysroot if entry.path.endswith(f"/{name}"))
        for name in ("crti.o", "crt1.o", "crtn.o")
    )
    yield f"-Zpre-link-arg={begin}"
    for word in ("--start-lib", start, "--end-lib", end):
        yield from ("-C", f"link-arg={word}")


def output_inputs(folder: str, record: Record) -> Inputs:
    """Convert a record's outputs to inputs of another action; `folder` is the output folder."""
    return tuple(
        Input(f"{folder}/{name}", output.sha256, output.size, output.executable)
        for name, output in record.outputs.items()
    ) + tuple(Input(f"{folder}/{name}", NOTHING, 0, is_folder=True) for name in record.folders)


def _searching(flags: tuple[str, ...], searches: list[str], behind: int) -> Iterator[str]:
    """Yield the flags with the sysroot's folders in their original position.

    `behind` is how many other folders follow them.
    """
    options = rustc_options.read(flags)
    places = [at for at, option in enumerate(options) if option.searches_native]
    place = places[-behind] if behind else len(options)
    yield from (word for option in options[:place] for word in option.words)
    yield from (word for search in searches for word in ("-L", search))
    yield from (word for option in options[place:] for word in option.words)


_NOT_FOR_THE_LINK = frozenset(("metadata", "extra-filename", "no-link"))
"""Outputs of units that a linker doesn't read."""


def link_flags(arguments: tuple[str, ...]) -> Iterator[str]:
    """Yield the flags of the compilation that apply to the link; crates are named by the `.rlink` file."""
    for option in rustc_options.read(arguments):
        of_code = option.flag in ("-C", "-Z", "-O", "-g") and option.name not in _NOT_FOR_THE_LINK
        if of_code or (option.flag == "-L" and option.folder[0] not in ("crate", "dependency")):
            yield from option.words


def compile_action(
    invocation: Invocation,
    unit: CompileUnit,
    sources: Inputs,
    records: Mapping[str, Record],
    variables: Mapping[str, str],
) -> Action:
    """Create the action that compiles a unit with rustc.

    `sources` are its package's files, `records` those of its prerequisites, `variables` the user's that it asked for.
    """
    arguments = ["@{rustc}", *unit.arguments]
    inputs = [*sources, *_libraries(invocation, unit, records), *_assembled(invocation, unit, records)]
    if unit.target:
        arguments += ["--target", seen_from(invocation.targets[unit.target].path, unit.directory)]
        inputs.append(invocation.targets[unit.target])
    links_here = not (unit.target or unit.kind.is_library or unit.kind is UnitKind.DOC)
    if links_here:
        arguments += ["-C", "linker=cc"]
    # a program is linked later: other packages' instructions apply to the link
    told = unit.runs if unit.kind is not UnitKind.PROGRAM else (unit.run,) if unit.run else ()
    said = tuple(_said(invocation, told, records))
    own = _instructions(invocation, unit.run, records)
    environment = {**variables, **crate_environment(invocation, unit, own)}
    asked = list(_asked_of_rustc(unit, said, own))
    flag_rules.check(asked, f"{unit.package}/build.rs")
    arguments += (*asked, *(flag for flag in rustc_flags.proof_of(asked) if flag not in arguments))
    searched = (run for run, each in zip(told, said, strict=True) if each.instructions.link_searches)
    inputs += _run_files(invocation, tuple(dict.fromkeys((*unit.read_runs, *searched))), records)
    arguments += _dependency_flags(invocation, unit)
    outputs = tuple(f"{unit.folder}/{name}" for name in (DEP_INFO, *unit.outputs))
    outputs = outputs if unit.outputs else (f"{unit.folder}/",)
    return Action(
        mnemonic="Rustc",
        arguments=tuple(arguments),
        environment=tuple(environment.items()),
        inputs=tuple(inputs),
        outputs=outputs,
        tools=invocation.tools,
        directory=unit.directory,
        salt=_host(invocation) if links_here else (),
    )


def crate_environment(invocation: Invocation, unit: CompileUnit, own: Instructions) -> dict[str, str]:
    """Return the variables that the build sets for a crate; `own` is what its package's build script said."""
    out = {"OUT_DIR": absolute(f"{invocation.units[unit.run].folder}/out")} if unit.run else {}
    return {**dict((*invocation.environment, *unit.environment)), **out, **own.env}


def _asked_of_rustc(unit: CompileUnit, said: Iterable[ScriptOutput], own: Instructions) -> Iterator[str]:
    """Yield rustc's flags from build scripts in cargo's order; rustc itself links programs for the host."""
    if unit.kind is UnitKind.DOC:
        yield from own.cfg_flags()
        return
    yield from build_script.search_flags(said)
    if unit.takes_libraries:
        yield from own.library_flags()
    if unit.kind is UnitKind.PROC_MACRO:
        yield from own.link_flags(unit.kind.value, unit.label)
    yield from own.cfg_flags()


def run_action(
    invocation: Invocation, unit: RunBuildScript, sources: Inputs, records: Mapping[str, Record], asked: AskedFor
) -> Action:
    """Create the action that runs a build script.

    `sources` are its package's files, `records` those of its prerequisites.
    """
    if not unit.script:
        raise OstooError(
            f"the configuration overrides the build script of {unit.label}: [target.TRIPLE.{unit.links}]",
            where=f"{unit.package}/Cargo.toml",
            remedy="remove that table: this build runs the script",
        )
    script = planned_unit.compiled(invocation.units[unit.script])
    name = script.outputs[0]
    declared = {name: value for name, value in unit.environment if name not in _OF_THE_RUN}
    environment = {**asked.variables, **dict(invocation.environment), **declared}
    for run in unit.runs:
        below = planned_unit.run(invocation.units[run]).links.upper().replace("-", "_")
        for key, value in _instructions(invocation, run, records).metadata.items():
            environment[f"DEP_{below}_{key.upper().replace('-', '_')}"] = value
    made = records[script.id].outputs[name]
    path = f"{script.folder}/{name}"
    return Action(
        mnemonic="BuildScriptRun",
        arguments=(absolute(path),),
        environment=tuple(environment.items()),
        inputs=(
            *(*sources, Input(path, made.sha256, made.size, made.executable)),
            *_run_files(invocation, unit.read_runs, records),
        ),
        outputs=(f"{unit.folder}/out/",),
        tools=invocation.tools,
        directory=unit.directory,
        salt=(*_host(invocation), *((("requested files", asked.files),) if asked.files else ())),
    )


def reading(action: Action, own: Inputs, seen: Collection[str]) -> Action:
    """Reduce an action to those files of its package that it has read: `seen`, of `own`.

    `seen` may contain names that are missing, and that would be read if they were there.
    """
    left_out = unread(own, seen)
    return replace(action, inputs=tuple(entry for entry in action.inputs if entry.path not in left_out))


def seeing(action: Action, own: Inputs, seen: Collection[str]) -> Action:
    """Reduce an action as `reading` does, but for a program that may search or list the files of its package.

    Their names and executable bits matter to it.
    """
    reduced = reading(action, own, seen)
    return replace(reduced, salt=(*action.salt, ("package's files", listing(own))))


def unread(own: Inputs, seen: Collection[str]) -> set[str]:
    """Return the files of a package that are neither `seen` nor in a folder that is."""
    names, folders = {*seen}, tuple(f"{path}/" for path in seen)
    if "." in names:
        return set()
    return {entry.path for entry in own if entry.path not in names and not entry.path.startswith(folders)}


def listing(own: Inputs) -> digest.Hash:
    """Digest of what a program sees that lists files without opening them."""
    return digest.of_json(sorted((entry.path, entry.executable) for entry in own))


def _host(invocation: Invocation) -> tuple[tuple[str, str], ...]:
    """Distinguish machines: what an action of theirs makes depends on more of them than the toolchain."""
    return (("host", invocation.host),)


def _instructions(invocation: Invocation, run: str | None, records: Mapping[str, Record]) -> Instructions:
    if run is None:
        return Instructions()
    return invocation.said(planned_unit.run(invocation.units[run]), records[run].stdout)


def _said(invocation: Invocation, runs: tuple[str, ...], records: Mapping[str, Record]) -> Iterator[ScriptOutput]:
    for run in runs:
        yield ScriptOutput(_instructions(invocation, run, records), absolute(f"{invocation.units[run].folder}/out"))


def _run_files(invocation: Invocation, runs: tuple[str, ...], records: Mapping[str, Record]) -> Inputs:
    return tuple(entry for run in runs for entry in output_inputs(invocation.units[run].folder, records[run]))


def _artifact(unit: CompileUnit, user: CompileUnit) -> str:
    """Return the file of a library that `user` reads: a library needs the metadata only, a program needs the code."""
    return unit.outputs[0] if user.needs_metadata_only(unit) else unit.outputs[-1]


def _planned(invocation: Invocation, unit: CompileUnit) -> Iterator[CompileUnit]:
    """Yield the libraries that a unit may read."""
    return (planned_unit.compiled(invocation.units[id_]) for id_ in unit.libraries)


def _libraries(invocation: Invocation, unit: CompileUnit, records: Mapping[str, Record]) -> Inputs:
    found = []
    for library in _planned(invocation, unit):
        name = _artifact(library, unit)
        made = records[library.id].outputs[name]
        found.append(Input(f"{library.folder}/{name}", made.sha256, made.size, made.executable))
    return tuple(found)


def _assembled(invocation: Invocation, unit: CompileUnit, records: Mapping[str, Record]) -> Iterator[Input]:
    """Yield the files that the assembly of libraries includes, if this unit may assemble it."""
    for library in _planned(invocation, unit):
        if library.kind is UnitKind.LIBRARY and not unit.needs_metadata_only(library):
            yield from asm_proof.taken(compiler_output.assembled(records[library.id].stdout))


def _dependency_flags(invocation: Invocation, unit: CompileUnit) -> Iterator[str]:
    direct = set()
    seen = partial(seen_from, directory=unit.directory)
    crate_names = [id_.rpartition("-")[0] for id_ in unit.libraries]
    for extern in unit.externs:
        named = planned_unit.compiled(invocation.units[extern.unit])
        path = seen(f"{named.folder}/{_artifact(named, unit)}")
        # a program's .rlink holds absolute paths of libraries named by path, relative ones of libraries searched for
        searched = unit.kind is UnitKind.PROGRAM and crate_names.count(extern.name) == 1
        if searched and extern.unit.startswith(f"{extern.name}-"):
            direct.add(extern.unit)
            # std's crates need no --extern: rustc finds them in the searched folders
            yield from () if extern.noprelude else ("--extern", extern.name)
        else:
            yield from rustc_flags.extern_flag(extern.name, path, extern.options)
    for library in _planned(invocation, unit):
        folder = seen(f"{library.folder}/{_artifact(library, unit)}".rpartition("/")[0])
        # a library's metadata names the macros that it hands on too: rustc loads those as well
        yield from ("-L", f"dependency={folder}")
        if library.id in direct:
            yield from ("-L", f"crate={folder}")
