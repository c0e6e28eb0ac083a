"""Builder `RustProgram`: links a program of the workspace, checks it, and puts it where people look for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.base import byte_size
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import one_of
from ostoo_build.invocation.session import Wanted
from ostoo_build.rules import nodes, whole_program
from site_tools.scons_nodes import declare, file_node, one_message

if TYPE_CHECKING:
    from ostoo_build.actions.action import Action
    from ostoo_build.invocation.session import Session
    from ostoo_build.planning.plan import Program


def rust_program(env: Any, name: str, size_budget: str | None = None, **unknown: Any) -> Any:
    """Declare the program of that name; `size_budget` is the most its file may hold, such as "64 KiB".

    The budget is for what is shipped: a profile that keeps symbols is for development.
    """
    declared: dict[str, Any] = env["OSTOO_PROGRAMS"]
    if not isinstance(name, str):
        with one_message():
            raise OstooError("the name is no text", where=f"env.RustProgram({name!r})")
    if name in declared:
        return declared[name]
    with one_message():
        session: Session = env["OSTOO"]
        where = f'env.RustProgram("{name}")'
        for keyword in unknown:
            raise OstooError(f"env.RustProgram has no {keyword}", where=where, remedy=one_of(keyword, ["size_budget"]))
        if size_budget is not None and not isinstance(size_budget, str):
            raise OstooError("size_budget is no text", where=where, remedy='write size_budget="64 KiB"')
        if name not in session.programs.binaries:
            raise OstooError(
                f"the workspace has no program {name}",
                where=where,
                remedy=one_of(name, session.programs.binaries),
            )
        made = [
            node
            for _, target in sorted(session.programs.asked([name]))
            for node in _for_target(env, session.plan(name, target), size_budget)
        ]
    declared[name] = made
    env.Alias(name, made)
    return made


def _for_target(env: Any, program: Program, size_budget: str | None) -> Any:
    budget = byte_size.parse(size_budget) if size_budget and not program.keeps_symbols else None
    return declare_program(env, program, budget, is_checked=True)


def declare_program(env: Any, program: Program, budget: int | None, *, is_checked: bool) -> Any:
    """Declare what makes a planned program, or that it is there already."""
    session: Session = env["OSTOO"]
    makers = whole_program.makers(session, program)
    wanted = Wanted(program, budget, whole_program.action(session, program, budget, session.look), is_checked)
    for name, _ in makers:
        _declare_other(env, session, name)
    # a program that is refused takes with it those that read it
    are_made = all(maker in session.current or maker in env["OSTOO_KEPT"] for maker in makers)
    if env["OSTOO_TOP_DOWN"] and are_made:
        if _is_there(env, program, wanted.action):
            return [file_node(env, path) for path in nodes.names_of(program)]
        if env.GetOption("no_exec") and whole_program.is_kept(session, program, wanted.action):
            env["OSTOO_KEPT"].add(program.asked)
            return [declare(env, node) for node in nodes.restored(program)]
    session.wanted[program.asked] = wanted
    if program.uses_std:
        env.MuslSysroot(program.target)
    declared = {node.name: declare(env, node) for node in nodes.of_program(session, wanted)}
    env.Alias("std", [declared[unit.record] for unit in program.units if unit.is_std])
    return [node for name, node in declared.items() if name in nodes.aims_of(session, program)]


def _declare_other(env: Any, session: Session, name: str) -> None:
    """Declare a program that another one reads, as its SConscript does where it has one."""
    script = session.programs.binaries[name].manifest.with_name("SConscript")
    if name not in env["OSTOO_PROGRAMS"] and script.is_file():
        env.SConscript(env.fs.File(str(script)), exports="env")  # in a text SCons would look for variables
    rust_program(env, name)


def _is_there(env: Any, program: Program, wanted: Action) -> bool:
    """Whether the program is at its place; it is put there now where the action cache has it, unless this is `-n`."""
    session: Session = env["OSTOO"]
    if whole_program.is_current(session, program, wanted):
        return True
    return not env.GetOption("no_exec") and whole_program.restored(session, program, wanted)


def generate(env: Any) -> None:
    env["OSTOO_PROGRAMS"] = {}
    env["OSTOO_KEPT"] = set()
    env.AddMethod(rust_program, "RustProgram")


def exists(_env: Any) -> bool:
    return True
