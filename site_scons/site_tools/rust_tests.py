"""Builder `RustTests`: the executables that hold a program's tests, linked for the target like the program."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ostoo_build import digest, suite_note
from ostoo_build.suite_plan import FOLDER
from site_tools.keyed_action import KeyedAction, file_node, one_message
from site_tools.rust_program import declare

if TYPE_CHECKING:
    from ostoo_build.session import Session


def rust_tests(env: Any, name: str) -> Any:
    """Declare the tests of the program of that name, and the programs that they start.

    They are not held against the loader's contract: that is for what is shipped (docs/design_notes.md).
    """
    session: Session = env["OSTOO"]
    with one_message():
        nodes = [_for_target(env, name, target) for _, target in sorted(session.programs.asked([name]))]
    return env.Alias(FOLDER.format(name), nodes)


def _for_target(env: Any, name: str, target: str) -> Any:
    session: Session = env["OSTOO"]
    executables = session.plan_tests(name, target)
    nodes = [declare(env, executable.program, None, is_checked=False) for executable in executables]
    started = {program for executable in executables for program in executable.programs}
    programs = [env.RustProgram(program) for program in sorted(started)]
    place = suite_note.path(session, name, target)
    note = partial(suite_note.write, session, place, executables)
    signature = digest.of_bytes(suite_note.content(executables))
    noted = env.Command(file_node(env, place), nodes, KeyedAction(signature, f"note {name}'s tests", note))
    return [noted, nodes, programs]


def generate(env: Any) -> None:
    env.AddMethod(rust_tests, "RustTests")


def exists(_env: Any) -> bool:
    return True
