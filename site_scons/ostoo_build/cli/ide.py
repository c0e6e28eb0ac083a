"""Implements `./ostoo ide`: writes the documents that rust-analyzer reads."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ostoo_build.actions import record as records
from ostoo_build.base import layout, own_files, state_file
from ostoo_build.base.errors import OstooError, told
from ostoo_build.base.source_files import write_atomically
from ostoo_build.ide import crate_graph, discovery, runnables, settings
from ostoo_build.invocation import invocation
from ostoo_build.planning import selections, unit_name
from ostoo_build.rules import part_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ostoo_build.base.console import Console
    from ostoo_build.cli.run import Runner
    from ostoo_build.ide.project import Project
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.plan import Program


def describe(runner: Runner, names: Sequence[str]) -> None:
    """Write the documents about programs, or about all if none is named, and say where they are."""
    found = projects(runner, names)
    for place, project in zip(_places(runner.root, found), found, strict=True):
        content = project.to_bytes()
        if state_file.recall(place) != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, content)
        crates = len(project.crates) + len(project.sysroot_project.crates)
        runner.console.status("Described", f"{crates} crates in {place.relative_to(runner.root)}")


def discover(runner: Callable[[], Runner], argument: str) -> int:
    """Answer rust-analyzer on stdout, errors included, and return the exit code."""
    try:
        file = discovery.file_of(argument)
        _tell(discovery.Progress("running build scripts and compiling macros"))
        used = runner()
        for found in discovery.finished(projects(used, ()), str(used.root), file):
            _tell(found)
    except (OstooError, OSError) as error:
        message = told(error) or OstooError(str(error))
        _tell(discovery.Failed(message.what, message.where or None))
        raise
    return 0


def _tell(message: discovery.Progress | discovery.Finished | discovery.Failed) -> None:
    sys.stdout.write(discovery.line(message))
    sys.stdout.flush()


def write_settings(root: Path, editor: str, console: Console) -> None:
    """Write the settings of an editor. Raises `OstooError` if it has others, with what they lack."""
    made = settings.of(editor, own_files.verbs_program(root))
    place, content = root / made.path, made.text.encode()
    if os.path.lexists(place) and state_file.recall(place) != content:
        raise OstooError(f"{made.path} is there", where=str(place), remedy=f"add to it:\n{made.text}")
    place.parent.mkdir(exist_ok=True)
    write_atomically(place, content)
    console.status("Wrote", made.path)


def projects(runner: Runner, names: Sequence[str]) -> list[Project]:
    """Build what editors need of programs, and return the documents. What can't be built is told and left out."""
    planner = runner.planner()
    chosen = names or planner.programs.defaults
    runner.attempt(["-k", "--all-outputs", *map(layout.scripts, chosen)])
    selections.apply(runner.root, planner.programs, chosen)
    plans = planner.plan_all(chosen)
    return [*crate_graph.projects(plans, _context(runner, planner, plans))]


def _context(runner: Runner, planner: Planner, plans: Sequence[Program]) -> crate_graph.Context:
    wanted = part_nodes.wanted_by_editor(plans)
    loaded = {id_: records.load(runner.root / unit.folder) for id_, unit in wanted.items()}
    for id_, record in loaded.items():
        if record is None:
            what = f"{unit_name.of(wanted[id_])} could not be built: what it makes is missing in the editor"
            runner.console.warn_once(what)
    of_target = {plan.target: planner.programs.workspace_of(plan.name, plan.target) for plan in plans}
    return crate_graph.Context(
        paths=planner.paths,
        invocation=invocation.of(planner, (), ()),
        records={id_: record for id_, record in loaded.items() if record is not None},
        specs={target: str(planner.targets.spec_file(target)) for target in of_target},
        cfgs=lambda target, flags: of_target[target].cfgs_with(flags),
        runnables=runnables.of(own_files.verbs_program(runner.root), str(runner.root)),
    )


def _places(root: Path, found: Sequence[Project]) -> list[Path]:
    """Return where the documents are: rust-analyzer finds the first one itself, others by its settings."""
    others = (root / layout.IDE / str(number) for number in range(2, len(found) + 1))
    return [folder / layout.IDE_DOCUMENT for folder in (root, *others)][: len(found)]
