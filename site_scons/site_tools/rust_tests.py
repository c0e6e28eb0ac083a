"""Builder `RustTests`: the executables that hold a program's tests, linked for the target like the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.base import layout
from ostoo_build.rules import tests as program_tests
from site_tools.rust_program import declare_program
from site_tools.scons_nodes import declare, one_message

if TYPE_CHECKING:
    from ostoo_build.invocation.session import Session


def rust_tests(env: Any, name: str) -> Any:
    """Declare the tests of the program of that name, and the programs that they start.

    They are not held against the loader's contract: that is for what is shipped (docs/design_notes.md).
    """
    session: Session = env["OSTOO"]
    with one_message():
        made = [_for_target(env, name, target) for _, target in sorted(session.programs.asked([name]))]
    return env.Alias(layout.tests(name), made)


def _for_target(env: Any, name: str, target: str) -> Any:
    session: Session = env["OSTOO"]
    executables = session.plan_tests(name, target)
    made = [declare_program(env, executable.program, None, is_checked=False) for executable in executables]
    started = {program for executable in executables for program in executable.programs}
    programs = [env.RustProgram(program) for program in sorted(started)]
    return [declare(env, program_tests.node(session, name, target, executables)), made, programs]


def generate(env: Any) -> None:
    env.AddMethod(rust_tests, "RustTests")


def exists(_env: Any) -> bool:
    return True
