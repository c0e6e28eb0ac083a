"""Implements `./ostoo check` and `clippy`: checks programs, and says what was said in the form that is asked for."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import nearest
from ostoo_build.cli import messages
from ostoo_build.cli.build import is_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.cli.run import Runner
    from ostoo_build.invocation.planner import Planner


class Request(Struct, frozen=True):
    """The command line of the verb `what`; `names` are programs, or labels of crates that they need.

    Without names the programs are meant that a build without names builds. `lints` are arguments for clippy.
    """

    what: str
    names: tuple[str, ...]
    is_all: bool
    keeps_going: bool
    form: str
    lints: tuple[str, ...]


def perform(request: Request, runner: Runner) -> int:
    """Check programs, write what the compiler said to stdout unless the form is `human`, and return the exit code."""
    code, said = told(request, runner)
    sys.stdout.buffer.write(said)
    return code


def told(request: Request, runner: Runner) -> tuple[int, bytes]:
    """Check programs, and return the exit code, and what the compiler said unless the form is `human`.

    Raises `OstooError` if there is nothing to check.
    """
    is_plain = bool(request.names) and not request.is_all and all(map(is_program, request.names))
    programs = request.names if is_plain else _programs(request, runner.planner())
    if not programs:
        raise OstooError("there is no program to check", remedy="create one: ostoo new NAME")
    words = [*(["-k"] if request.keeps_going else []), *(layout.part(name, request.what) for name in programs)]
    words += [f"--lints={shlex.join(request.lints)}"] if request.lints else []
    if request.form == "human":
        return runner.attempt(words), b""
    return messages.told(words, request.form, runner)


def _programs(request: Request, planner: Planner) -> tuple[str, ...]:
    """Return the programs to check. Raises `OstooError` for a name of nothing."""
    known = planner.programs
    if request.is_all:
        return known.all_but_examples
    if not request.names:
        return known.defaults
    named = [name for name in request.names if name in known.binaries]
    others = [name for name in request.names if name not in known.binaries]
    return tuple(dict.fromkeys((*named, *_users(others, planner))))


def _users(labels: Sequence[str], planner: Planner) -> Iterator[str]:
    """Yield the programs that need crates with these labels."""
    from ostoo_build.planning import selections  # noqa: PLC0415 - most checks name programs
    from ostoo_build.query import graph  # noqa: PLC0415 - likewise

    selections.apply(planner.root, planner.programs, planner.programs.defaults)
    plans = planner.plan_all(planner.programs.defaults)
    found = graph.of(plans, ()).names
    for label in labels:
        wanted = {*found.get(label, ())}
        if not wanted:
            remedy = nearest(label, [*planner.programs.binaries, *found])
            raise OstooError(f"{label} is no program, and no crate of one", remedy=remedy)
        yield from (plan.name for plan in plans if any(wanted & {*found[unit.id]} for unit in plan.units))
