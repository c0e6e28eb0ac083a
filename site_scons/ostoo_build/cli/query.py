"""Implements `./ostoo query`: answers questions about the graph of programs and units. Builds nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ostoo_build.query import evaluation, graph, outputs

if TYPE_CHECKING:
    from ostoo_build.cli.run import Runner


def answer(runner: Runner, query: str, form: str) -> None:
    """Show the answer in one of `outputs.FORMS`. Raises `OstooError` for a mistake in the query."""
    planner = runner.planner()
    ids = sorted(planner.programs.ids(planner.programs.available(planner.programs.binaries)))
    planner.programs.start_planning(ids)
    found = graph.of(planner.plan(*id_) for id_ in ids)
    sys.stdout.write(outputs.write(form, found, evaluation.evaluate(found, query)))
