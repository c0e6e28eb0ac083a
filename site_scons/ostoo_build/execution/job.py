"""Defines `Job`: an action with everything that is needed to run it and to verify the result."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct
from msgspec.structs import replace as with_fields

from ostoo_build.actions.learned import Learned
from ostoo_build.cache.action_cache import OutputLocation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.actions.record import Record


class Job(Struct, frozen=True, dict=True):
    """An action, its output folder, and how it is run; `subject` is shown to the user after the verb.

    `judge` verifies the result of a process that ran remotely; None for an action that can run here only. `results` is
    the portable path by which the action itself knows its output folder. `needed` says that the outputs are wanted in
    the folder even if no action reads them. `shared` is False for a result that depends on the last run and must not
    be cached. `learned` is what an earlier run told; `learning` is the same job if something else was told. `seeing` is
    the action with only those inputs of its package that a run may have read. `promised` are names of additional
    outputs that each result has. `tree` is a subfolder that consists of outputs only. For inputs whose names end with
    `vouched`, if that is not empty, the tool itself reports the contents that it read.
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
    learned: Learned = Learned()
    learning: Callable[[Learned], Job] | None = None
    seeing: Callable[[tuple[str, ...]], Action] | None = None
    promised: tuple[str, ...] = ()
    tree: str = ""
    vouched: str = ""

    def of(self, learned: Learned) -> Job:
        """Return the job for the case that a run told this."""
        return self if self.learning is None or learned == self.learned else self.learning(learned)

    @cached_property
    def decisive(self) -> Action:
        """The action with only those inputs that can make a difference: its key is that of the result."""
        seen = self.learned.seen
        return self.action if seen is None or self.seeing is None else self.seeing(seen)

    @property
    def question(self) -> Action | None:
        """The action without all that its runs can tell of: under its key caches list what they told.

        None if it has no such input, and no run told anything: then its own key says all.
        """
        if self.learning is None:
            return None
        job = self.of(Learned())
        action = job.action if job.seeing is None else job.seeing(())
        return with_fields(action, salt=(*action.salt, ("learned", "")))

    def is_answered_by(self, record: Record) -> bool:
        """Whether a record is the result of this job, from whichever invocation."""
        return record.is_answer and record.key == self.of(record.learned).decisive.key

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
