"""Implements `./ostoo query` and `./ostoo tree`: answers questions about the graph of units. Builds nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ostoo_build.query import evaluation, graph, outputs
from ostoo_build.query import tree as trees

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.cli.run import Runner
    from ostoo_build.query.graph import Graph


def answer(runner: Runner, query: str, form: str) -> None:
    """Show the answer in one of `outputs.FORMS`. Raises `OstooError` for a mistake in the query."""
    planner = runner.planner()
    found = _graph(runner, planner.programs.available(planner.programs.binaries))
    sys.stdout.write(outputs.write(form, found, evaluation.evaluate(found, query)))


def tree(runner: Runner, program: str) -> None:
    """Show what a program needs as a tree, for each of its targets."""
    found = _graph(runner, [program])
    tops = [label for label in found.nodes if label == program or label.startswith(f"{program}@")]
    sys.stdout.write("\n".join(trees.show(found, label) for label in tops))


def _graph(runner: Runner, programs: Iterable[str]) -> Graph:
    planner = runner.planner()
    ids = sorted(planner.programs.ids(programs))
    planner.programs.start_planning(ids)
    return graph.of(planner.plan(*id_) for id_ in ids)
