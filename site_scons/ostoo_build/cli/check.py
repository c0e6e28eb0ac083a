"""Implements `./ostoo check`: checks programs, and says what the compiler said in the form that is asked for."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import github_commands, layout, terminal
from ostoo_build.base.errors import OstooError
from ostoo_build.base.spelling import nearest
from ostoo_build.check import cargo_messages, results, sarif
from ostoo_build.cli.build import is_program
from ostoo_build.planning import selections
from ostoo_build.query import graph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.check.results import Checked
    from ostoo_build.cli.run import Runner
    from ostoo_build.invocation.planner import Planner


class Request(Struct, frozen=True):
    """The command line of `./ostoo check`; `names` are programs, or labels of crates that they need."""

    names: tuple[str, ...]
    is_all: bool
    keeps_going: bool
    form: str


def perform(request: Request, runner: Runner) -> int:
    """Check programs, write what the compiler said to stdout unless the form is `human`, and return the exit code."""
    if not (request.names or request.is_all):
        raise OstooError("no program to check", remedy="name one or more programs, or --all")
    planner = None if _names_programs(request) else runner.planner()
    programs = request.names if planner is None else _programs(request, planner)
    words = [*(["-k"] if request.keeps_going else []), *map(layout.check, programs)]
    if request.form == "human":
        return runner.attempt(words)
    began = time.time_ns()
    with ThreadPoolExecutor(1) as pool:
        built = pool.submit(_alone(runner).attempt, words)
        planner = planner or runner.planner()
        known = [name for name in programs if name in planner.programs.binaries]  # of others the build tells
        code = built.result()
    selections.apply(runner.root, planner.programs, known)
    units = (unit for id_ in sorted(planner.programs.ids(known)) for unit in planner.plan_check(*id_).units)
    found = list(results.collect(units, results.Source(runner.root, planner.paths, began)))
    sys.stdout.write("".join(_written(request.form, found, planner, is_done=code == 0)))
    return code


def _names_programs(request: Request) -> bool:
    """Whether all names can only be those of programs: then the check begins before anything is planned here."""
    return not request.is_all and all(map(is_program, request.names))


def _programs(request: Request, planner: Planner) -> tuple[str, ...]:
    """Return the programs to check. Raises `OstooError` for a name of nothing."""
    known = planner.programs
    if request.is_all:
        return known.available(name for name in known.binaries if not layout.is_example(name))
    named = [name for name in request.names if name in known.binaries]
    others = [name for name in request.names if name not in known.binaries]
    return tuple(dict.fromkeys((*named, *_users(others, planner))))


def _users(labels: Sequence[str], planner: Planner) -> Iterator[str]:
    """Yield the programs that need crates with these labels."""
    selections.apply(planner.root, planner.programs, planner.programs.defaults)
    ids = sorted(planner.programs.ids(planner.programs.defaults))
    planner.programs.start_planning(ids)
    plans = [planner.plan(*id_) for id_ in ids]
    found = graph.of(plans, ()).names
    for label in labels:
        wanted = {*found.get(label, ())}
        if not wanted:
            remedy = nearest(label, [*planner.programs.binaries, *found])
            raise OstooError(f"{label} is no program, and no crate of one", remedy=remedy)
        yield from (plan.name for plan in plans if any(wanted & {*found[unit.id]} for unit in plan.units))


def _alone(runner: Runner) -> Runner:
    """Return a runner whose builds write no annotations of their own."""
    return replace(runner, environ={name: value for name, value in runner.environ.items() if name != "GITHUB_ACTIONS"})


def _written(form: str, found: Sequence[Checked], planner: Planner, *, is_done: bool) -> Iterator[str]:
    if form == "json":
        yield from cargo_messages.lines(found, planner.paths, is_done=is_done)
    elif form == "sarif":
        yield sarif.document(found, planner.tools.toolchain.version)
    else:
        here = github_commands.of_folder(os.environ, str(planner.root))
        texts = dict.fromkeys(said["rendered"] or "" for each in found for said in each.diagnostics)
        for text in texts:
            yield from github_commands.commands(terminal.without_colours(text), here)
