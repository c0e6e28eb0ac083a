"""Tells which of its package's files the run of a script, or its compilation, can have read. Runs nothing itself.

Only what a file is opened for can make a difference. A script that says when to run it again is believed only as far as
it named more than it opened: it is run again for what it opened, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.execution import opened
from ostoo_build.planning.rustc_flags import Kind
from ostoo_build.rust import build_script

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.invocation import Inputs
    from ostoo_build.planning.plan import PlannedUnit


def judged(
    unit: PlannedUnit, own: Inputs, paths: PathMap, start: Callable[[], Finished], judge: Callable[[Finished], Outcome]
) -> Outcome:
    """Have a process run and judged, and tell what it can have read of `own`, the files of its package."""
    with opened.watched([Path(paths.root, entry.path) for entry in own]) as found:
        done = start()
    outcome = judge(done)
    named = _named(unit, outcome, paths) if unit.kind is Kind.RUN else set()
    if not found.is_known or named is None:
        return outcome
    seen = {paths.input_path(path) for path in found.files} & {entry.path for entry in own}
    return replace(outcome, seen=tuple(sorted(seen | named)))


def _named(unit: PlannedUnit, outcome: Outcome, paths: PathMap) -> set[str] | None:
    """What a script is to be run again for, by its own word; None where it gave none: then cargo takes all."""
    said = build_script.parse(paths.expand(outcome.stdout), unit.package)
    if not (said.changed_files or said.changed_variables):
        return None
    package = Path(paths.root, paths.expand(unit.package))
    return {paths.input_path(package / name) for name in said.changed_files}
