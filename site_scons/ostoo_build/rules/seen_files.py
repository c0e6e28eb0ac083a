"""Tells which of its package's files the run of a script, or its compilation, can have read. Runs nothing itself.

Only what a file is opened for can make a difference. A script that says when to run it again is believed only as far as
it named more than it opened: it is run again for what it opened, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.execution import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.planning.planned_unit import RunBuildScript
    from ostoo_build.rust.build_script import Instructions


def judged(own: Inputs, paths: PathMap, start: Callable[[], Finished], judge: Callable[[Finished], Outcome]) -> Outcome:
    """Have a process run and judged, and tell what it can have read of `own`, the files of its package."""
    with opened.watched([Path(paths.root, entry.path) for entry in own]) as found:
        done = start()
    outcome = judge(done)
    if not found.is_known:
        return outcome
    seen = {paths.input_path(path) for path in found.files} & {entry.path for entry in own}
    return replace(outcome, seen=tuple(sorted(seen)))


def with_named(outcome: Outcome, unit: RunBuildScript, said: Instructions, paths: PathMap) -> Outcome:
    """Add what a script is to be run again for, by its own word; without one cargo takes all."""
    if outcome.seen is None:
        return outcome
    if not (said.changed_files or said.changed_variables):
        return replace(outcome, seen=None)
    package = Path(paths.root, paths.expand(unit.package))
    named = {paths.input_path(package / paths.expand(name)) for name in said.changed_files}
    return replace(outcome, seen=tuple(sorted({*outcome.seen, *named})))
