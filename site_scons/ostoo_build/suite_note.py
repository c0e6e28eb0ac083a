"""Writes down where a program's test executables lie, for whoever runs them. Does not build them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build import suite
from ostoo_build.source_tree import write_atomically
from ostoo_build.steps import Places
from ostoo_build.suite_plan import FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build import suite_plan
    from ostoo_build.session import Session


def path(session: Session, name: str, target: str) -> str:
    """Where the note of the program `name` lies, relative to the root."""
    return f"build/{target}/{session.variables['profile']}/{FOLDER.format(name)}/{suite.NAME}"


def content(executables: Sequence[suite_plan.Executable]) -> bytes:
    """What the note says."""
    return suite.to_bytes(tuple(map(_noted, executables)))


def write(session: Session, place: str, executables: Sequence[suite_plan.Executable]) -> None:
    write_atomically(session.root / place, content(executables))


def _noted(executable: suite_plan.Executable) -> suite.Executable:
    program = executable.program
    unit = program.units[-1]
    return suite.Executable(
        file=Places.of(program).published[0],
        kind=program.kind,
        target=program.target_name,
        source=executable.source,
        package=unit.package,
        environment=unit.environment,
        has_harness=executable.has_harness,
    )
