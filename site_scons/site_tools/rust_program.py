"""Builder `RustProgram`: links a program of the workspace, checks it, and puts it where people look for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build import digest, sizes, steps, whole_program
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
        if name not in session.binaries:
            raise OstooError(
                f"the workspace has no program {name}",
                where=f'env.RustProgram("{name}")',
                remedy=one_of(name, session.binaries),
            )
        program = session.plan(name)
        budget = sizes.parse(size_budget) if size_budget and not program.keeps_symbols else None
        wanted = Wanted(program, budget, whole_program.action(session, program, budget, session.look))
        if env["OSTOO_TOP_DOWN"] and _is_there(session, program, wanted.action):
            node = [file_node(env, path) for path in Places.of(program, session.target.stem).published]
        else:
            session.wanted[name] = wanted
            node = _built(env, session, wanted)
    declared[name] = node
    env.Alias(name, node)
    return node


def _is_there(session: Session, program: Program, wanted: Action) -> bool:
    return whole_program.is_current(session, program, wanted) or whole_program.restored(session, program, wanted)


def _built(env: Any, session: Session, wanted: Wanted) -> Any:
    program = wanted.program
    for unit in program.units:
        env.RustUnit(unit)
    env.Alias("std", [file_node(env, unit.record) for unit in program.units if unit.is_std])
    places = Places.of(program, session.target.stem)
    unit = program.units[-1]
    libraries = [file_node(env, session.units[id_].record) for id_ in unit.prerequisites]
    sysroot = env.MuslSysroot() if program.uses_std else []
    signature = digest.of_json([program.strip, session.tools])
    link = KeyedAction(signature, f"link {program.name}", lambda: steps.link(session, program))
    linked = recorded_step(env, places.linked, [file_node(env, unit.record), *libraries, sysroot], link)
    folders, sources = [places.linked], [linked, env.ElfCheck(program, wanted.size_budget, linked)]
    if program.keeps_symbols:
        again = KeyedAction(signature, f"link {program.name}.debug", lambda: steps.link_unstripped(session, program))
        folders.append(places.unstripped)
        sources.append(recorded_step(env, places.unstripped, [linked], again))
    note = whole_program.note(session, program)
    # the program itself stays until there is a better one
    note.unlink(missing_ok=True)

    def publish() -> None:
        for folder, path in zip(folders, places.published, strict=True):
            steps.publish(session.root / folder / unit.id, session.root / path)
        whole_program.remember(session, program)

    action = KeyedAction("", f"publish {places.published[0]}", publish)
    made = [file_node(env, path) for path in (*places.published, session.paths.portable(note))]
    node = env.Command(made, sources, action)
    env.Precious(node)
    return node


def generate(env: Any) -> None:
    env["OSTOO_PROGRAMS"] = {}
    env.AddMethod(rust_program, "RustProgram")


def exists(_env: Any) -> bool:
    return True
