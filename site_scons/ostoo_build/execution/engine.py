"""Brings an action's outputs about by the cheapest way that is right. Does not know how an action is run.

In this order: the outputs are there already, the action cache has them, the action runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ostoo_build import digest
from ostoo_build.errors import OstooError
from ostoo_build.execution import record as records
from ostoo_build.execution.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.execution.action import Action
    from ostoo_build.execution.action_cache import ActionCache
    from ostoo_build.paths import PathMap
    from ostoo_build.report import Report


@dataclass(frozen=True)
class Outcome:
    """What a run left: output names within the action's folder, and what a record keeps besides."""

    outputs: tuple[str, ...]
    messages: tuple[str, ...] = ()
    instructions: dict[str, Any] = field(default_factory=dict)
    holds_root: bool = False


@dataclass(frozen=True)
class Job:
    """An action, where its outputs go and how it is run; `subject` is what the user reads after the verb."""

    action: Action
    folder: Path
    verb: str
    subject: str
    run: Callable[[], Outcome]


@dataclass(frozen=True)
class Engine:
    """What all actions of an invocation share."""

    paths: PathMap
    cache: ActionCache
    report: Report

    def perform(self, job: Job) -> Record:
        """Make a job's outputs be there and say what they are. Raises `OstooError` where the action fails."""
        present = records.load(job.folder)
        if present and present.key == job.action.key and self._fits(present) and records.is_intact(job.folder, present):
            return present
        records.discard(job.folder)
        made = self._restored(job) or self._run(job)
        for name in set(present.outputs if present else ()) - set(made.outputs):
            (job.folder / name).unlink(missing_ok=True)
        return made

    def _restored(self, job: Job) -> Record | None:
        found = self.cache.lookup(job.action.key)
        if found is None or not self._fits(found) or not self.cache.restore(found, job.folder):
            return None
        records.save(job.folder, found)
        self.report.messages(found.messages)
        return found

    def _run(self, job: Job) -> Record:
        self.report.status(job.verb, job.subject)
        job.folder.mkdir(parents=True, exist_ok=True)
        outcome = job.run()
        self.report.messages(outcome.messages)
        made = Record(
            key=job.action.key,
            outputs={name: self._observe(job, name) for name in outcome.outputs},
            messages=outcome.messages,
            instructions=outcome.instructions,
            bound_to=self._this_root() if outcome.holds_root else "",
        )
        records.save(job.folder, made)
        self.cache.store(made, job.folder)
        return made

    def _observe(self, job: Job, name: str) -> records.Output:
        try:
            return records.observe(job.folder / name)
        except OSError as error:
            raise OstooError(f"{job.verb.lower()} {job.subject} left no {name}", where=str(job.folder)) from error

    def _fits(self, record: Record) -> bool:
        return record.bound_to in ("", self._this_root())

    def _this_root(self) -> str:
        return digest.of_bytes(self.paths.root.encode("utf-8", "surrogateescape"))
