"""Judges what a process left, wherever it ran: its exit code, its words, what it read, what it made. Runs nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions.outcome import OUT, Outcome, ToolFailed
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import refuse_odd
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.paths import is_local, seen_from
from ostoo_build.binary import entry
from ostoo_build.planning.rustc_flags import DEP_INFO, Kind
from ostoo_build.rules import asm_proof, link_proof, proof
from ostoo_build.rust import build_script, dep_info

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished
    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, RunBuildScript
    from ostoo_build.rust.dep_info import DepInfo


_NO_ENTRY = lazy_pattern(r"cannot find entry symbol (\S+?);")
"""LLD's word for it."""


Told = tuple[str, ...]
"""Portable paths of inputs that no manifest declares: an earlier run of the action told of them."""


_MACRO = (".so", ".dylib", ".dll")


class Compiled(Struct, frozen=True):
    """A unit that was compiled: the paths of this machine, wherever that was, and what only a run told that it reads.

    `hides` tells whether macros may have put assembly together, `check` raises `OstooError` for an undeclared library.
    `unseen` are inputs that dep-info tells nothing of.
    """

    action: Action
    unit: CompileUnit
    told: Told
    here: PathMap
    hides: Callable[[Finished], bool]
    check: Callable[[Finished], None]
    unseen: frozenset[str]


def compilation(compiled: Compiled, done: Finished) -> Outcome:
    """Prove what rustc read and tell what it made. Raises `ToolFailed`, and `OstooError` for an undeclared input."""
    action, unit, told = compiled.action, compiled.unit, compiled.told
    stderr = _said(unit.label, done)
    read = dep_info.parse(done.read(DEP_INFO).decode("utf-8"))
    _check_environment(read, action, unit)
    reads = told if done.is_hermetic else proof.prove(read, action, told, done.paths, unit.package)
    if not done.is_hermetic:
        compiled.check(done)
    outputs = tuple(_program_files(done.files, unit.id)) if unit.kind is Kind.PROGRAM else unit.outputs
    sees_no_others = done.is_hermetic or done.is_shut_in
    hides = done.expanded is None and compiled.hides(done)
    scene = asm_proof.Scene(action, unit, done.paths, compiled.here, sees_no_others, done.expanded, hides)
    assembled = asm_proof.prove(read, scene)
    unproved = compiled.unseen.union(entry.path for entry in asm_proof.taken(assembled))
    holds_root = _holds_root(action, read, done)
    return Outcome(outputs, stderr, assembled, holds_root, reads, unproved=unproved)


def run(action: Action, unit: RunBuildScript, told: Told, done: Finished) -> Outcome:
    """Read what a build script asked for. Raises `ToolFailed`, and `OstooError` for an undeclared input."""
    instructions = build_script.parse(done.stdout, f"{unit.package}/build.rs")
    if done.returncode or instructions.errors:
        said = (*instructions.errors, done.stderr)
        raise ToolFailed(f"the build script of {unit.label} failed", tuple(text for text in said if text))
    declared = {entry.path for entry in action.inputs if entry.path not in told}
    led = (name for name in done.led if not _lies_among(declared, done.paths.input_path(name)))
    reads = tuple(dict.fromkeys(_more_reads(declared, (*instructions.changed_files, *led), unit, done.paths)))
    warnings = "".join(f"warning: {unit.label}: {text}\n" for text in instructions.warnings)
    outputs = tuple(name for name in done.files if name.startswith(f"{OUT}/"))
    refuse_odd(Path(done.paths.root, unit.folder), (*outputs, *done.folders))
    stdout = done.paths.portable_text(done.stdout)
    # what it says is portable, what it wrote is as it is
    holds_root = any(_tells_root(text, done.paths) for text in (stdout.encode(), *map(done.read, outputs)))
    return Outcome(outputs, warnings, stdout, holds_root, reads, done.folders)


def link(action: Action, program: Program, done: Finished) -> Outcome:
    """Prove what the linker read. Raises `ToolFailed` where it did not make the program.

    Raises `OstooError` for an undeclared input, and for a program that can't begin to run.
    """
    said, unit = _said(program.name, done), program.unit
    if not done.is_hermetic:
        name = link_proof.dependency_file(unit.folder, unit.id)
        text = done.read(name.removeprefix(f"{unit.folder}/")).decode("utf-8", "surrogateescape")
        link_proof.prove(text, action, unit.folder, done.paths, f"{unit.package}/Cargo.toml")
    if entry.is_missing(done.read(unit.id)):
        symbol = next(iter(_NO_ENTRY.findall(said)), "_start")
        raise OstooError(
            f"the program {program.name} has no entry: nothing defines the symbol {symbol}",
            where=f"{unit.package}/Cargo.toml",
            remedy=f"depend on a crate that defines it, as ostoo-rt does, and name that crate in the program\n"
            f"(`./ostoo new` writes both), or define {symbol} in the program{_of_libc(program)}",
        )
    return Outcome((unit.id,), said)


def _of_libc(program: Program) -> str:
    """Where libc has an entry for programs whose `main` std calls."""
    start = seen_from(f"{layout.sysroot(program.target)}/lib/crt1.o", program.unit.directory)
    return f",\nor have its build.rs print `cargo::rustc-link-arg={start}`: libc's own" if program.uses_std else ""


def _said(subject: str, done: Finished) -> str:
    stderr = "".join(_rendered(done.stderr))
    if done.returncode:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ToolFailed(f"could not compile {subject} ({how})", (stderr,))
    return stderr


def _check_environment(read: DepInfo, action: Action, unit: PlannedUnit) -> None:
    """Raise `OstooError` for a variable that the crate has the value of and that the action's key does not have."""
    declared = dict(action.environment)
    for name, is_set in read.variables.items():
        if is_set and name not in declared:
            raise OstooError(
                f"the crate reads the environment variable {name}, which is not declared",
                where=f"{unit.package}/Cargo.toml",
                remedy=f"set {name} under [env] in .cargo/config.toml of the workspace",
            )


def _holds_root(action: Action, read: DepInfo, done: Finished) -> bool:
    """Whether outputs may hold this checkout's path.

    `env!` gave it, which rustc tells; or a macro asked for it itself, which nobody tells; or rustc wrote it for the
    linker.
    """
    portable = dict(action.environment)
    if any("@{" in portable.get(name, "").replace("@{at}", "") for name in read.variables):
        return True
    has_macros = any(is_local(entry.path) and entry.path.endswith(_MACRO) for entry in action.inputs)
    suspects = [name for name in done.files if name.endswith(".rlink") or (has_macros and name != DEP_INFO)]
    return any(_tells_root(done.read(name), done.paths) for name in suspects)


def _tells_root(content: bytes, paths: PathMap) -> bool:
    return any(mark.encode() in content for mark in paths.marks)


def _lies_among(declared: set[str], path: str) -> bool:
    """Whether it is what other steps made, all of which are inputs."""
    return layout.is_in_build(path) and any(f"{name}/".startswith(f"{path}/") for name in declared)


def _more_reads(declared: set[str], names: Iterable[str], unit: PlannedUnit, paths: PathMap) -> Iterator[str]:
    """What a build script says that it reads, as far as it is not declared. Raises `OstooError` for what nobody has."""
    package = Path(paths.root, paths.expand(unit.package))
    # std's source belongs to the toolchain, whose digest is part of every key
    known = (f"{unit.folder}/", "@{rust-src}/", *([] if is_local(unit.package) else [f"{unit.package}/"]))
    for name in names:
        path = paths.input_path(package / name)
        if f"{path}/".startswith(known):
            continue
        if not (is_local(unit.package) and is_local(path)) or layout.is_in_build(f"{path}/"):
            near = "the checkout" if is_local(unit.package) else "its package"
            raise OstooError(
                f"the build script reads {path}, which is not in {near}",
                where=f"{unit.package}/build.rs",
                remedy=f"move the file into {near}",
            )
        place = Path(paths.root, path)
        # in a folder what no package declares may turn up later: a hidden file, a folder in which nothing lies
        if place.is_dir() or not place.is_file() or paths.input_path(place) not in declared:
            yield path


def _program_files(files: tuple[str, ...], unit_id: str) -> Iterator[str]:
    """The objects of a program that is not linked yet, and rustc's note for the linker."""
    for name in sorted(files):
        if name == f"{unit_id}.rlink" or ("/" not in name and name.endswith(".o")):
            yield name


def _rendered(stderr: str) -> Iterator[str]:
    """Diagnostics as rustc renders them; what is not a diagnostic, such as a crash, as it stands."""
    for line in stderr.splitlines(keepends=True):
        try:
            diagnostic = json.loads(line)
        except ValueError:
            yield line
            continue
        if isinstance(diagnostic, dict) and diagnostic.get("rendered"):
            yield diagnostic["rendered"]
