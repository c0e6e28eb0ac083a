"""Writes the list of a program's test executables for `./ostoo test`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.base import layout, state_file
from ostoo_build.rules import nodes
from ostoo_build.rules.nodes import Node
from ostoo_build.rules.places import Places
from ostoo_build.run import test_list

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning import test_plan


def path(planner: Planner, name: str, target: str) -> str:
    """Return the path of the list for the program `name`, relative to the root."""
    return f"{layout.program(target, planner.profile, layout.tests(name))}/{test_list.NAME}"


def node(planner: Planner, name: str, target: str, executables: Sequence[test_plan.PlannedExecutable]) -> Node:
    """Return the node that writes the list after its executables."""
    place = path(planner, name, target)
    after = tuple(published for executable in executables for published in nodes.aims_of(planner, executable.program))
    written = planner.root / place, test_list.to_bytes(tuple(map(_noted, executables)))
    return Node(place, after, f"note {name}'s tests", partial(_write, *written), partial(_is_written, *written))


def _write(place: Path, content: bytes) -> None:
    if not _is_written(place, content):
        state_file.write(place, content)


def _is_written(place: Path, content: bytes) -> bool:
    return state_file.recall(place) == content


def _noted(executable: test_plan.PlannedExecutable) -> test_list.Executable:
    program = executable.program
    unit = program.unit
    return test_list.Executable(
        file=Places.of(program).published[0],
        kind=program.kind,
        target=program.target_name,
        source=executable.source,
        package=unit.package,
        environment=unit.environment,
        has_harness=executable.has_harness,
    )
