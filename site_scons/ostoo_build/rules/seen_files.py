"""Determines which files of its package a build script, or its compilation, may have read.

Only opened files can make a difference. A script's own `rerun-if-changed` list is extended by the files that it
opened.
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
    """Run and verify a process, and return which of `own`, the files of its package, it may have read."""
    with opened.watched([Path(paths.root, entry.path) for entry in own]) as found:
        done = start()
    outcome = judge(done)
    if not found.is_known:
        return outcome
    seen = {paths.input_path(path) for path in found.files} & {entry.path for entry in own}
    return _with_seen(outcome, tuple(sorted(seen)))


def with_named(outcome: Outcome, unit: RunBuildScript, said: Instructions, paths: PathMap) -> Outcome:
    """Add the files that a script names in `rerun-if-changed`; without any, cargo takes all files."""
    seen = outcome.learned.seen
    if seen is None:
        return outcome
    if not (said.changed_files or said.changed_variables):
        return _with_seen(outcome, None)
    package = Path(paths.root, paths.expand(unit.package))
    named = {paths.input_path(package / paths.expand(name)) for name in said.changed_files}
    return _with_seen(outcome, tuple(sorted({*seen, *named})))


def _with_seen(outcome: Outcome, seen: tuple[str, ...] | None) -> Outcome:
    return replace(outcome, learned=replace(outcome.learned, seen=seen))
