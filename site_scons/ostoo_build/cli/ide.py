"""Implements `./ostoo ide`: writes the documents that rust-analyzer reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions import record as records
from ostoo_build.base import layout, own_files, state_file
from ostoo_build.base.source_files import write_atomically
from ostoo_build.ide import crate_graph, runnables
from ostoo_build.invocation import invocation
from ostoo_build.planning import unit_name
from ostoo_build.rules import editor_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

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


def projects(runner: Runner, names: Sequence[str]) -> list[Project]:
    """Build what editors need of programs, and return the documents. What can't be built is told and left out."""
    planner = runner.planner()
    chosen = names or planner.programs.defaults
    runner.attempt(["-k", "--all-outputs", *map(layout.scripts, chosen)])
    ids = sorted(planner.programs.ids(chosen))
    planner.programs.start_planning(ids)
    plans = [planner.plan(*id_) for id_ in ids]
    return [*crate_graph.projects(plans, _context(runner, planner, plans))]


def _context(runner: Runner, planner: Planner, plans: Sequence[Program]) -> crate_graph.Context:
    wanted = editor_nodes.wanted(plans)
    loaded = {id_: records.load(runner.root / unit.folder) for id_, unit in wanted.items()}
    for id_, record in loaded.items():
        if record is None:
            what = f"{unit_name.of(wanted[id_])} could not be built: what it makes is missing in the editor"
            runner.console.warn_once(what)
    of_target = {plan.target: planner.programs.workspace_of(plan.name, plan.target) for plan in plans}
    return crate_graph.Context(
        paths=planner.paths,
        invocation=invocation.of(planner),
        records={id_: record for id_, record in loaded.items() if record is not None},
        specs={target: str(planner.targets.spec_file(target)) for target in of_target},
        cfgs=lambda target, flags: of_target[target].cfgs_with(flags),
        runnables=runnables.of(own_files.verbs_program(runner.root), str(runner.root)),
    )


def _places(root: Path, found: Sequence[Project]) -> list[Path]:
    """Return where the documents are: rust-analyzer finds the first one itself, others by its settings."""
    others = (root / layout.IDE / str(number) for number in range(2, len(found) + 1))
    return [folder / layout.IDE_DOCUMENT for folder in (root, *others)][: len(found)]
