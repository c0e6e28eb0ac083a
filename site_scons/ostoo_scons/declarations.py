"""Declares the results of rules to SCons, with one function for each builder. Opens no file."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from ostoo_build.actions.record import NAME
from ostoo_build.base import byte_size, layout, process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import one_of
from ostoo_build.planning import selections
from ostoo_build.planning.features import Selection
from ostoo_build.rebuild import standby
from ostoo_build.rebuild.standby import Undecided
from ostoo_build.rules import nodes, part_nodes, unit_inputs, whole_program
from ostoo_build.rules import reports as program_reports
from ostoo_build.rules import tests as program_tests
from ostoo_build.rules.progress import PendingProgram
from ostoo_build.rules.reports import ReportKind
from ostoo_scons.scons_build import Build
from ostoo_scons.scons_nodes import Perform, declare, file_node, one_message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.plan import Program, ProgramId
    from ostoo_build.rules.nodes import Node


def declare_requested(env: Any) -> None:
    """Declare everything that the command line requests, after the SConscripts were read."""
    requested = Build.of(env).at_work.requested
    programs = requested.built(Build.of(env).at_work.planner.programs)
    env.Alias("all", [declare_program(env, program) for program in programs])
    for program in requested.tests:
        declare_tests(env, program)
    for what, program in requested.parts:
        if Build.of(env).process_start.waits:
            _plan_part(env, what, program)  # `decide` declares it
        else:
            declare_part(env, what, program)
    for program in requested.editors:
        declare_scripts(env, program)
    if "deploy" in requested.words:
        deployed = (program for program in requested.deployed if program in programs)
        env.Alias("deploy", [declare_deployed(env, program) for program in deployed])
    for kind in ReportKind:
        if kind.word in requested.words:
            declare_reports(env, kind)
    if "sysroot" in requested.words:
        env.Alias("sysroot", [declare_sysroot(env, target) for target in requested.targets])
    if "test" in requested.words:
        declare_own_tests(env)
    env.Default("all")


def declare_program(
    env: Any,
    name: str,
    size_budget: str | None = None,
    features: Any = None,
    default_features: Any = None,
    **unknown: Any,
) -> Any:
    """Declare a program (`env.RustProgram`); `size_budget` is the maximum size of its file, such as "64 KiB".

    The budget applies to shipped programs: a profile that keeps symbols is for development. `features` are those of its
    package to build it with, besides the default ones if `default_features`; `ostoo.toml` can say the same.
    """
    build = Build.of(env)
    if not isinstance(name, str):
        with one_message():
            raise OstooError("the name is not a string", where=f"env.RustProgram({name!r})")
    if name in build.programs:
        return build.programs[name]
    if name in build.begun:
        return []  # it reads itself: who declares it says so
    build.begun.add(name)
    with one_message():
        planner, where = build.at_work.planner, f'env.RustProgram("{name}")'
        for keyword in unknown:
            known = ["size_budget", "features", "default_features"]
            raise OstooError(f"env.RustProgram has no argument {keyword}", where=where, remedy=one_of(keyword, known))
        if size_budget is not None and not isinstance(size_budget, str):
            raise OstooError("size_budget is not a string", where=where, remedy='write size_budget="64 KiB"')
        if name not in planner.programs.binaries:
            raise OstooError(
                f"there is no program {name} in the workspace",
                where=where,
                remedy=one_of(name, planner.programs.binaries),
            )
        if (features, default_features) != (None, None):
            if name in build.options.described.programs:
                raise OstooError(
                    f"the features of {name} stand in ostoo.toml too", where=where, remedy="remove them in one place"
                )
            selection = _selection(features, default_features, where)
            selection.check(planner.programs.binaries[name].features, where)
            planner.programs.select(name, selection)
        selections.keep(planner.root, planner.programs, name)
        if build.at_work.requested.is_of_parts and name not in build.read_by_others:
            build.begun.discard(name)
            return []  # its script was read for what it selects
        made = [
            node
            for _, target in sorted(planner.programs.ids([name]))
            for node in _declare_shipped(env, planner.plan(name, target), size_budget)
        ]
    build.programs[name] = made
    env.Alias(name, made)
    return made


def _selection(features: Any, default: Any, where: str) -> Selection:
    features, default = () if features is None else features, True if default is None else default
    if not isinstance(features, list | tuple) or not all(isinstance(name, str) for name in features):
        raise OstooError("features is not a list of strings", where=where, remedy='write features=["a", "b"]')
    if not isinstance(default, bool):
        raise OstooError("default_features is neither True nor False", where=where)
    return Selection.of(features, default=default)


def _declare_shipped(env: Any, program: Program, size_budget: str | None) -> Any:
    budget = byte_size.parse(size_budget) if size_budget and not program.keeps_symbols else None
    return _declare_planned(env, program, budget, is_checked=True)


def _declare_planned(env: Any, program: Program, budget: int | None, *, is_checked: bool) -> Any:
    """Declare the nodes that make a planned program, unless it is present."""
    build = Build.of(env)
    planner, services, progress = build.at_work.planner, build.at_work.services, build.progress
    _declare_others(env, program)
    makers = whole_program.makers(planner, program)
    pending = PendingProgram(program, budget, is_checked)
    # a refused program also fails the programs that read it
    are_made = all(maker in progress.current or maker in build.kept or maker in build.undecided for maker in makers)
    if build.is_top_down and are_made:
        if _is_there(env, pending, makers):
            build.current[program.id] = [file_node(env, path) for path in nodes.aims_of(planner, program)]
            return build.current[program.id]
        if env.GetOption("no_exec") and whole_program.is_kept(planner, services, pending):
            build.kept.add(program.id)
            return [declare(env, node) for node in nodes.restored(program)]
    return _declare_parts(env, pending)


def _declare_parts(env: Any, pending: PendingProgram) -> Any:
    build, program = Build.of(env), pending.program
    planner, services, progress = build.at_work.planner, build.at_work.services, build.progress
    progress.pending[program.id] = pending
    declared = {node.name: declare(env, node) for node in nodes.of_program(planner, services, progress, pending)}
    provided = declared.get(f"{planner.paths.sysroot(program.target)}/{NAME}")
    if provided is not None:
        env.Alias("sysroot", provided)
    build.parts[program.id] = set(declared)
    env.Alias("std", [file_node(env, unit.record) for unit in program.units if unit.is_std])
    aims = nodes.aims_of(planner, program)
    return [node for name, node in declared.items() if name in aims]


def decide(env: Any, edited: Collection[str]) -> None:
    """Decide about the programs that were current before a build waited; `edited` are portable paths."""
    build = Build.of(env)
    with one_message():
        planner, services = build.at_work.planner, build.at_work.services
        touched = standby.touched(build.undecided, planner.root, edited)
        _leave_out(env, {node for id_ in build.undecided.keys() - touched for node in build.current[id_]})
        for id_, each in build.undecided.items():
            if id_ in touched:
                _declare_parts(env, each.pending)
                for unit in each.pending.program.units:
                    if (known := services.engine.settled.get(planner.root / unit.folder)) is not None:
                        services.console.messages(known.record.stderr)
            else:
                services.console.messages(each.found.said)
                build.progress.current[id_] = each.found.files
        if build.process_start.waits:
            for what, program in build.at_work.requested.parts:
                declare_part(env, what, program)


def _declare_others(env: Any, program: Program) -> None:
    """Declare the programs that another one reads: their scripts select features before what reads them is planned."""
    planner = Build.of(env).at_work.planner
    for name in dict.fromkeys(name for unit in program.units for name, _ in unit_inputs.makers(planner, unit).values()):
        _declare_other(env, name)


def _leave_out(env: Any, left: set[Any]) -> None:
    """Take nodes that need no work out of all aliases: SCons would look at each."""
    for alias in env.ans.values():
        if not left.isdisjoint(alias.sources):
            alias.sources = [node for node in alias.sources if node not in left]
            alias._children_reset()  # noqa: SLF001 - SCons has no other way to take a source away


def _declare_other(env: Any, name: str) -> None:
    """Declare a program that another one reads, with its SConscript if it has one."""
    build = Build.of(env)
    build.read_by_others.add(name)
    script = build.at_work.planner.programs.binaries[name].manifest.with_name("SConscript")
    if name not in build.programs and script.is_file():
        env.SConscript(env.fs.File(str(script)), exports="env")  # SCons would expand variables in a string
    declare_program(env, name)


def _is_there(env: Any, pending: PendingProgram, makers: Collection[ProgramId]) -> bool:
    """Whether the program is published. Restores it from the action cache, except with `-n` or before a build waits.

    A build that waits decides afterwards.
    """
    build, services = Build.of(env), Build.of(env).at_work.services
    asked = (build.at_work.planner, services, pending)
    found = whole_program.current(*asked)
    if build.process_start.waits:
        if found is not None:
            build.undecided[pending.program.id] = Undecided(pending, found, makers)
        return found is not None
    files = found.files if found else None
    if not env.GetOption("no_exec"):
        if found is None:
            files = whole_program.restored(*asked)
        else:
            services.console.messages(found.said)
    if files is not None:
        build.progress.current[pending.program.id] = files
    return files is not None


def declare_tests(env: Any, name: str) -> Any:
    """Declare the tests of a program, and the programs that they start.

    They are not checked against the loader contract, which applies to shipped programs (docs/design_notes.md).
    """
    with one_message():
        asked = sorted(Build.of(env).at_work.planner.programs.ids([name]))
        made = [_declare_tests_for(env, name, target) for _, target in asked]
    return env.Alias(layout.tests(name), made)


def _declare_tests_for(env: Any, name: str, target: str) -> Any:
    planner = Build.of(env).at_work.planner
    executables = planner.plan_tests(name, target)
    made = [_declare_planned(env, executable.program, None, is_checked=False) for executable in executables]
    started = {program for executable in executables for program in executable.programs}
    programs = [declare_program(env, program) for program in sorted(started)]
    return [declare(env, program_tests.node(planner, name, target, executables)), made, programs]


def declare_part(env: Any, what: str, name: str) -> Any:
    """Declare one of `layout.PARTS` of a program."""
    plans = _plan_part(env, what, name)
    if what == layout.DOC:
        _declare_parts_of(env, plans, part_nodes.of_docs)
        names = [f"{layout.docs(each.target, each.name)}/{NAME}" for each in plans]
    else:
        _declare_parts_of(env, plans, part_nodes.of_check)
        names = [unit.record for each in plans for unit in part_nodes.aims(each)]
    known = Build.of(env).nodes
    return env.Alias(layout.part(name, what), [known[each] for each in names if each in known])


def _plan_part(env: Any, what: str, name: str) -> list[Program]:
    return _plans_of(env, name, partial(Build.of(env).at_work.planner.plan_part, what))


def declare_scripts(env: Any, name: str) -> Any:
    """Declare what editors need of a program: its build scripts, run, and its macros."""
    plans = _plans_of(env, name, Build.of(env).at_work.planner.plan)
    _declare_parts_of(env, plans, part_nodes.of_editor)
    wanted = part_nodes.wanted_by_editor(plans).values()
    return env.Alias(layout.scripts(name), [Build.of(env).nodes[unit.record] for unit in wanted])


def _plans_of(env: Any, name: str, plan: Callable[[str, str], Program]) -> list[Program]:
    """Return a program's plans for each target, or those of a part of it, and declare the programs that it reads."""
    planner = Build.of(env).at_work.planner
    with one_message():
        selections.keep(planner.root, planner.programs, name)  # no script may be left that selects some
        plans = [plan(*id_) for id_ in sorted(planner.programs.ids([name]))]
        for each in plans:
            _declare_others(env, each)
    return plans


def _declare_parts_of(
    env: Any, plans: Iterable[Program], parts: Callable[[Planner, Services, Iterable[Program]], Iterator[Node]]
) -> None:
    """Declare parts of a program; `plans` are theirs, for each target."""
    with one_message():
        for node in parts(Build.of(env).at_work.planner, Build.of(env).at_work.services, plans):
            declare(env, node)


def declare_sysroot(env: Any, target: str) -> Any:
    """Declare a target's C library, from the provider that `sysroot=` names."""
    with one_message():
        node = declare(env, nodes.sysroot(Build.of(env).at_work.planner, Build.of(env).at_work.services, target))
    env.Alias("sysroot", node)
    return node


def declare_deployed(env: Any, name: str) -> Any:
    """Declare the copy of a declared program in DEPLOY_DIR."""
    build = Build.of(env)
    with one_message():
        planner = build.at_work.planner
        (_, target), *others = planner.programs.ids([name])
        if others:
            raise OstooError(
                "can't deploy for several targets: they would overwrite each other", remedy="deploy with one target="
            )
        program, word = planner.plan(name, target), build.options.variables["DEPLOY_DIR"]
        return declare(env, nodes.deploy(planner, build.checkout.console, program, word))


def declare_reports(env: Any, kind: ReportKind) -> None:
    """Declare a report on each requested program for each target."""
    opened = Build.of(env).at_work
    planner = opened.planner
    programs = [
        planner.plan(*asked) for asked in sorted(planner.programs.ids(opened.requested.built(planner.programs)))
    ]
    made = [declare(env, program_reports.node(planner, opened.services, program, kind)) for program in programs]
    env.Alias(kind.word, made)


def declare_own_tests(env: Any) -> None:
    """Declare `test`, the tests of this build itself, which always run."""
    checkout = Build.of(env).checkout

    def say(line: str) -> None:
        checkout.console.status("Fetching", line)

    def perform() -> None:
        from ostoo_build.fetch.debian_packages import Project  # noqa: PLC0415 - likewise
        from ostoo_build.start import needed_tools, own_root, provided_tools  # noqa: PLC0415 - builds need none of it

        provided_tools.provide(needed_tools.require(os.environ), Project(checkout.root, os.environ, say))
        alone = own_root.prefix(os.environ) or ()
        if process.run_inherited(
            [*alone, sys.executable, "-m", "pytest"], cwd=checkout.root, env=os.environ, stdout=None
        ):
            raise OstooError("tests failed")

    env.AlwaysBuild(env.Alias("test", [], Perform("pytest", perform)))
