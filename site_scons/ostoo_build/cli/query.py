"""Implements `./ostoo query`, `affected`, `tree` and `graph`: answers about the graph of units. Builds nothing."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.base import layout, pages
from ostoo_build.base.source_files import write_output
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation import services
from ostoo_build.planning import selections
from ostoo_build.query import evaluation, graph, graph_page, outputs
from ostoo_build.query import tree as trees
from ostoo_build.query.facts import BuildFacts
from ostoo_build.why import build_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ostoo_build.cli.run import Runner
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.planning.test_plan import PlannedExecutable
    from ostoo_build.query.graph import Graph


def answer(runner: Runner, query: str, form: str, places: Sequence[Path]) -> None:
    """Show the answer in one of `outputs.FORMS`. Raises `OstooError` for a mistake in the query.

    `places` are the folders from which files are named.
    """
    facts = _facts(runner, [], places, with_tests=evaluation.may_find_tests(query))
    found = evaluation.evaluate(facts.graph, query, facts)
    sys.stdout.write(outputs.write(form, facts.graph, found))


def affected(runner: Runner, changed: Sequence[str], form: str, places: Sequence[Path]) -> None:
    """Show the programs and tests that changes reach, with the reasons.

    Raises `OstooError` for a word that names no change.
    """
    facts = _facts(runner, [], places, with_tests=True)
    sys.stdout.write(outputs.write_affected(form, facts.graph, facts.affected(changed)))


def page(runner: Runner, programs: Sequence[str], command: str) -> None:
    """Write the page about some programs, or all, and show its path."""
    facts = _facts(runner, programs, (), with_tests=False)
    seconds = build_notes.seconds(build_notes.read(runner.root))
    measured = graph_page.measure(runner.root, facts.graph, seconds)
    about = pages.about(runner.root, command, f"Rust {facts.planner.tools.toolchain.version}")
    path = runner.root / layout.GRAPH
    write_output(path, graph_page.page(facts, measured, about).encode())
    runner.console.status("Graph", f"in {path.relative_to(runner.root)}")


def _facts(runner: Runner, programs: Sequence[str], places: Sequence[Path], *, with_tests: bool) -> BuildFacts:
    """Return the facts about some programs, or all if none is named."""
    planner = _planner(runner)
    names = programs or planner.programs.available(planner.programs.binaries)
    tested = sorted(planner.programs.ids(name for name in names if not layout.is_example(name)))
    found = _graph(planner, names, planner.plan_all_tests(tested) if with_tests else ())
    return BuildFacts(planner, found, runner.options, places, partial(_services, runner, planner))


def tree(runner: Runner, program: str) -> None:
    """Show what a program needs as a tree, for each of its targets."""
    found = _graph(_planner(runner), [program], ())
    tops = [label for label in found.nodes if label == program or label.startswith(f"{program}@")]
    sys.stdout.write("\n".join(trees.show(found, label) for label in tops))


def _planner(runner: Runner) -> Planner:
    """Open the plans, with the features that scripts selected in the last builds."""
    planner = runner.planner()
    selections.apply(planner.root, planner.programs, [*planner.programs.binaries])
    return planner


def _graph(planner: Planner, programs: Iterable[str], tests: Iterable[PlannedExecutable]) -> Graph:
    return graph.of(planner.plan_all(programs), tests)


def _services(runner: Runner, planner: Planner) -> Services:
    """Create what reads the records of the last runs; nothing is run."""
    return services.start(runner.checkout(), runner.options, planner, Jobserver(1), Timeline())
