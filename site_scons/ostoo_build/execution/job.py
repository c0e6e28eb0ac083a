"""An action with all that it takes to have it done, and what came of it. Does not decide how it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.cache.action_cache import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.outcome import Finished, Outcome
    from ostoo_build.actions.record import Record
    from ostoo_build.base.digest import Hash


@dataclass(frozen=True)
class Job:
    """An action, where its outputs go and how it is run; `subject` is what the user reads after the verb.

    `judge` says what came of a process that ran elsewhere; it is None for what can run here only. `results` is the
    portable path that the action itself knows its outputs' folder by. `needed` says that somebody wants to find the
    outputs in the folder, whether or not another action reads them. `shared` is False for what no cache may hold: it
    depends on what the last run left here. `follows` are portable paths of what has to be there first and is not read.
    `reads` are inputs of the action that only an earlier run told of; `reading` is the same job with others.
    `seeing` is the action with those inputs of its package alone that a run can have read.
    `promised` are names of outputs that each result has. `tree` is a folder within `folder` all of which are outputs.
    Of inputs with names that end with `vouched` the tool tells what was in them, where that is not empty.
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
    follows: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    reading: Callable[[tuple[str, ...]], Job] | None = None
    seeing: Callable[[tuple[str, ...]], Action] | None = None
    promised: tuple[str, ...] = ()
    tree: str = ""
    vouched: str = ""

    def of(self, reads: tuple[str, ...]) -> Job:
        """The job as it is where its action reads these."""
        return self if self.reading is None or reads == self.reads else self.reading(reads)

    def key(self, seen: tuple[str, ...] | None) -> Hash:
        """The key of what was made by a run that can have read these; without them that of the action."""
        return (self.action if seen is None or self.seeing is None else self.seeing(seen)).key

    def is_answered_by(self, record: Record) -> bool:
        """Whether what a record names is what the job is asked for, in whichever invocation."""
        return record.is_answer and record.key == self.key(record.seen)

    @property
    def place(self) -> Place:
        return Place(self.results, self.folder, self.promised)


class Settled(NamedTuple):
    """An action that this invocation found up to date or made so, and what it made."""

    job: Job
    record: Record

    @property
    def is_kept(self) -> bool:
        """Whether the record answers the action's question in other invocations too."""
        return self.job.is_answered_by(self.record)
