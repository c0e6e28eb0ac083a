"""Builder `RustProgram`: links a program of the workspace, checks it, and puts it where people look for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build import digest, sizes, standby, steps, whole_program
from ostoo_build.errors import OstooError
from ostoo_build.session import Wanted
from ostoo_build.steps import Places
from ostoo_build.suggest import one_of
from site_tools.keyed_action import KeyedAction, file_node, one_message, recorded_step

if TYPE_CHECKING:
    from ostoo_build.execution.action import Action
    from ostoo_build.plan import Program
    from ostoo_build.session import Session


def rust_program(env: Any, name: str, size_budget: str | None = None) -> Any:
    """Declare the program of that name; `size_budget` is the most its file may hold, such as "64 KiB".

    The budget is for what is shipped: a profile that keeps symbols is for development.
    """
    declared: dict[str, Any] = env["OSTOO_PROGRAMS"]
    if name in declared:
        return declared[name]
    with one_message():
        session: Session = env["OSTOO"]
        if name not in session.programs.binaries:
            raise OstooError(
                f"the workspace has no program {name}",
                where=f'env.RustProgram("{name}")',
                remedy=one_of(name, session.programs.binaries),
            )
        nodes = [
            node
            for _, target in sorted(session.programs.asked([name]))
            for node in _for_target(env, session.plan(name, target), size_budget)
        ]
    declared[name] = nodes
    env.Alias(name, nodes)
    return nodes


def _for_target(env: Any, program: Program, size_budget: str | None) -> Any:
    budget = sizes.parse(size_budget) if size_budget and not program.keeps_symbols else None
    return declare(env, program, budget, is_checked=True)


def declare(env: Any, program: Program, budget: int | None, *, is_checked: bool) -> Any:
    """Declare what makes a planned program, or that it is there already."""
    session: Session = env["OSTOO"]
    wanted = Wanted(program, budget, whole_program.action(session, program, budget, session.look))
    if env["OSTOO_TOP_DOWN"] and _is_there(session, program, wanted.action):
        return [file_node(env, path) for path in Places.of(program).published]
    session.wanted[program.asked] = wanted
    return _built(env, session, wanted, is_checked=is_checked)


def _is_there(session: Session, program: Program, wanted: Action) -> bool:
    return whole_program.is_current(session, program, wanted) or whole_program.restored(session, program, wanted)


def _built(env: Any, session: Session, wanted: Wanted, *, is_checked: bool) -> Any:
    program = wanted.program
    for unit in program.units:
        env.RustUnit(unit)
    env.Alias("std", [file_node(env, unit.record) for unit in program.units if unit.is_std])
    places = Places.of(program)
    unit = program.units[-1]
    libraries = [file_node(env, session.units[id_].record) for id_ in unit.prerequisites]
    sysroot = env.MuslSysroot(program.target) if program.uses_std else []
    signature = digest.of_json([digest.of_file(steps.STRIP_SCRIPT), session.tools])
    link = KeyedAction(signature, f"link {program.name}", lambda: steps.link(session, program))
    linked = recorded_step(env, places.linked, [file_node(env, unit.record), *libraries, sysroot], link)
    checked = env.ElfCheck(program, wanted.size_budget, linked) if is_checked else []
    again = KeyedAction(session.tools, f"link {program.name}.debug", lambda: steps.link_unstripped(session, program))
    before = [linked, checked] if standby.here else [linked]  # who watches waits for the program alone
    unstripped = recorded_step(env, places.unstripped, before, again)
    nodes = _published(env, f"{places.linked}/{unit.id}", places.published[0], [linked, checked])
    nodes += _published(env, f"{places.unstripped}/{unit.id}", places.published[1], [unstripped])
    return nodes + _remembered(env, program, nodes)


def _published(env: Any, source: str, destination: str, proofs: list[Any]) -> Any:
    """Declare a file where people look for it; the former one stays until all proofs are there."""
    root = env["OSTOO"].root
    action = KeyedAction("", f"publish {destination}", lambda: steps.publish(root / source, root / destination))
    node = env.Command(file_node(env, destination), proofs, action)
    env.Precious(node)
    env.AlwaysBuild(node)  # SCons takes what somebody altered for what it made
    return node


def _remembered(env: Any, program: Program, published: Any) -> Any:
    session: Session = env["OSTOO"]
    note = whole_program.note(session, program)
    if not env.GetOption("no_exec"):
        note.unlink(missing_ok=True)
    action = KeyedAction("", f"remember {program.name}", lambda: whole_program.remember(session, program))
    return env.Command(file_node(env, session.paths.portable(note)), published, action)


def generate(env: Any) -> None:
    env["OSTOO_PROGRAMS"] = {}
    env.AddMethod(rust_program, "RustProgram")


def exists(_env: Any) -> bool:
    return True
