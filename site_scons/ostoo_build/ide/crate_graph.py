"""Turns the units of programs into rust-analyzer's crates.

What rustc is given is read from its arguments; what a build script adds, from its record.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.paths import absolute, is_local
from ostoo_build.ide import host_std
from ostoo_build.ide.project import BuildInfo, Crate, Dependency, Project, Sources, Sysroot
from ostoo_build.planning.planned_unit import CompileUnit, RunBuildScript, is_macro
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.query import graph
from ostoo_build.rules import actions as rule_actions
from ostoo_build.rust import options as rustc_options
from ostoo_build.rust.build_script import Instructions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ostoo_build.actions.record import Record
    from ostoo_build.base.paths import PathMap
    from ostoo_build.ide.project import Runnable
    from ostoo_build.invocation.invocation import Invocation
    from ostoo_build.planning.plan import Program
    from ostoo_build.rust.options import Option

_NO_CFG = frozenset(
    ("embed-bitcode", "extra-filename", "incremental", "linker-plugin-lto", "metadata", "prefer-dynamic", "strip")
)
"""Options of code generation on which no cfg depends, and which differ between units."""

_KINDS = {UnitKind.PROGRAM: "bin"}
_PRIVATE = (".git", ".toolchain", ".venv", "target")
"""Folders at the top of a package that hold no source of it."""


class Context(Struct, frozen=True):
    """What crates are made from: `records` are those of units that were built, by id.

    `specs` are the files of target specs by name. `cfgs` returns the cfgs that rustc sets for a target with flags.
    `runnables` are the same for all documents.
    """

    paths: PathMap
    invocation: Invocation
    records: Mapping[str, Record]
    specs: Mapping[str, str]
    cfgs: Callable[[str, tuple[str, ...]], tuple[str, ...]]
    runnables: tuple[Runnable, ...]


def projects(programs: Sequence[Program], context: Context) -> Iterator[Project]:
    """Yield a document for each std: programs with equal crates of std share one, as a document has one of each.

    The one of most programs comes first.
    """
    labels = graph.of(programs, ()).names
    groups: list[tuple[dict[str, str], list[Program]]] = []
    for program in programs:
        std = {_name(unit): unit.id for unit in _compiled([program]) if unit.is_std and unit.target}
        group = next((each for each in groups if _agree(each[0], std)), None)
        if group is None:
            group = ({}, [])
            groups.append(group)
        group[0].update(std)
        group[1].append(program)
    for _, same in sorted(groups, key=lambda group: -len(group[1])):
        yield _project(same, context, labels)


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one.get(name, id_) == id_ for name, id_ in other.items())


def _project(programs: Sequence[Program], context: Context, labels: Mapping[str, tuple[str, ...]]) -> Project:
    units = _compiled(programs)
    of_std = [unit for unit in units if unit.is_std]
    others = [unit for unit in units if not unit.is_std]
    crates, source = tuple(_crates(others, context, labels)), context.paths.expand("@{rust-src}")
    std = host_std.completed(tuple(_crates(of_std, context, labels)), source, crates)
    return Project(
        sysroot=context.paths.expand("@{toolchain}"),
        sysroot_src=source,
        sysroot_project=Sysroot(std),
        crates=crates,
        runnables=context.runnables,
    )


def _compiled(programs: Iterable[Program]) -> list[CompileUnit]:
    found = {unit.id: unit for program in programs for unit in program.units if isinstance(unit, CompileUnit)}
    return [*found.values()]


def _crates(units: Sequence[CompileUnit], context: Context, labels: Mapping[str, tuple[str, ...]]) -> Iterator[Crate]:
    places = {unit.id: number for number, unit in enumerate(units)}
    for unit in units:
        yield _crate(unit, context, labels[unit.id][0], places)


def _crate(unit: CompileUnit, context: Context, label: str, places: Mapping[str, int]) -> Crate:
    paths, options = context.paths, rustc_options.read(unit.arguments)
    own = _instructions(unit, context)
    environment = rule_actions.crate_environment(context.invocation, unit, own)
    folder = posixpath.normpath(paths.expand(absolute(unit.directory)))
    named = next(option.value for option in options if not option.flag)
    root = posixpath.normpath(posixpath.join(folder, paths.expand(named)))
    return Crate(
        display_name=_name(unit),
        root_module=root,
        edition=_value(options, "--edition"),
        version=environment["CARGO_PKG_VERSION"],
        deps=tuple(Dependency(places[each.unit], each.name) for each in unit.externs if each.unit in places),
        is_workspace_member=is_local(unit.package),
        source=_sources(unit, root, environment, paths),
        cfg=tuple(dict.fromkeys((*_set_by_rustc(unit, options, context), *_given(options), *own.cfgs))),
        env={name: paths.expand(value) for name, value in environment.items()},
        is_proc_macro=is_macro(unit),
        proc_macro_cwd=folder,
        target=context.specs[unit.target] if unit.target else None,
        proc_macro_dylib_path=_dylib(unit, context),
        build=_build(unit, label, paths.expand(environment["CARGO_MANIFEST_PATH"])) if is_local(unit.package) else None,
    )


def _instructions(unit: CompileUnit, context: Context) -> Instructions:
    """Return what the build script of the unit's package said; nothing if it was not run."""
    run = context.invocation.units[unit.run] if unit.run else None
    if not isinstance(run, RunBuildScript) or run.id not in context.records:
        return Instructions()
    return context.invocation.said(run, context.records[run.id].stdout)


def _set_by_rustc(unit: CompileUnit, options: Iterable[Option], context: Context) -> tuple[str, ...]:
    """Return the cfgs that rustc itself sets; those of the host rust-analyzer finds out."""
    if not unit.target:
        return ()
    kept = (option for option in options if option.flag in ("-C", "-O", "-g") and option.name not in _NO_CFG)
    return context.cfgs(unit.target, tuple(word for option in kept for word in option.words))


def _given(options: Iterable[Option]) -> Iterator[str]:
    for option in options:
        if option.flag == "--cfg":
            yield option.value
        elif option.flag == "--test":
            yield "test"


def _sources(unit: CompileUnit, root: str, environment: Mapping[str, str], paths: PathMap) -> Sources:
    package = posixpath.normpath(paths.expand(absolute(unit.package)))
    made = (*_PRIVATE, *(paths.made if unit.package == "." else ()))
    generated = [paths.expand(environment["OUT_DIR"])] if "OUT_DIR" in environment else []
    beside = [] if root.startswith(f"{package}/") else [posixpath.dirname(root)]
    return Sources((package, *beside, *generated), tuple(f"{package}/{name}" for name in made))


def _dylib(unit: CompileUnit, context: Context) -> str | None:
    if not (is_macro(unit) and unit.id in context.records):
        return None
    return context.paths.expand(absolute(f"{unit.folder}/{unit.outputs[0]}"))


def _build(unit: CompileUnit, label: str, manifest: str) -> BuildInfo:
    return BuildInfo(label, manifest, _KINDS.get(unit.kind, "lib"))


def _name(unit: CompileUnit) -> str:
    return _value(rustc_options.read(unit.arguments), "--crate-name")


def _value(options: Iterable[Option], flag: str) -> str:
    return next(option.value for option in options if option.flag == flag)
