"""Defines `Job`: an action with everything that is needed to run it and to verify the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ostoo_build.cache.action_cache import OutputLocation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.actions.record import Record
    from ostoo_build.base.digest import Hash


class Job(Struct, frozen=True):
    """An action, its output folder, and how it is run; `subject` is shown to the user after the verb.

    `judge` verifies the result of a process that ran remotely; None for an action that can run here only. `results` is
    the portable path by which the action itself knows its output folder. `needed` says that the outputs are wanted in
    the folder even if no action reads them. `shared` is False for a result that depends on the last run and must not
    be cached. `reads` are inputs that became
    known in an earlier run; `reading` is the same job with others. `seeing` is the action with only those inputs of
    its package that a run may have read. `promised` are names of additional outputs that each result has. `tree` is a
    subfolder that consists of outputs only. For inputs whose names end with `vouched`, if that is not empty, the tool
    itself reports the contents that it read.
    """

    action: Action
    folder: Path
    results: str
    verb: str
    subject: str
    run: Callable[[], Outcome]
    needed: bool = False
    shared: bool = True
    judge: Callable[[Finished], Outcome] | None = None
    reads: tuple[str, ...] = ()
    reading: Callable[[tuple[str, ...]], Job] | None = None
    seeing: Callable[[tuple[str, ...]], Action] | None = None
    promised: tuple[str, ...] = ()
    tree: str = ""
    vouched: str = ""

    def of(self, reads: tuple[str, ...]) -> Job:
        """Return the job for the case that its action reads these paths."""
        return self if self.reading is None or reads == self.reads else self.reading(reads)

    def key(self, seen: tuple[str, ...] | None) -> Hash:
        """Return the key of a run that may have read these inputs only; None means the key of the action."""
        return (self.action if seen is None or self.seeing is None else self.seeing(seen)).key

    def is_answered_by(self, record: Record) -> bool:
        """Whether a record is the result of this job, from whichever invocation."""
        return record.is_answer and record.key == self.key(record.seen)

    @property
    def place(self) -> OutputLocation:
        return OutputLocation(self.results, self.folder, self.promised)


class UpToDate(NamedTuple):
    """An action that is up to date in this invocation, and its record."""

    job: Job
    record: Record

    @property
    def is_kept(self) -> bool:
        """Whether the record is valid in other invocations too."""
        return self.job.is_answered_by(self.record)
