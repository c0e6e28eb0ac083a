"""Describes a running build in a few lines: how much is done, what runs and for how long, what is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import activity
from ostoo_build.base.console import going_on

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from ostoo_build.execution.timeline import Step, Timeline

_MOST = 12
"""Lines at most: who has many processors sees those actions that run for longest."""

_LOOKED_UP = 1.0
"""Seconds after which an action that has not got a core here runs elsewhere, or in another way."""


class Counts(Struct, frozen=True):
    """How many actions a build consists of, and how many of them are done: they ran, or there was nothing to do."""

    done: int
    total: int


class LiveStatus(Struct, frozen=True):
    """The state of a build at any time; `counts` is None until its plan is known."""

    timeline: Timeline
    counts: Callable[[], Counts | None]
    colour: bool

    def lines(self, size: os.terminal_size) -> list[str]:
        """Return the lines for a terminal of this size; none if nothing goes on."""
        rows = list(self._rows())[: max(1, min(_MOST, size.lines - 1))]
        return [going_on(verb, what, progress, size.columns, colour=self.colour) for verb, what, progress in rows]

    def sentence(self) -> str:
        """Return what goes on in one line: `core v0.0.0 (34 s), zig (12 MB, 5 s)`."""
        actions = (f"{step.subject} ({_seconds(self.timeline.worked(step))})" for step in self._at_work())
        return ", ".join(filter(None, (activity.sentence(), *actions)))

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        going_on = list(self._going_on())
        counts = self.counts()
        if counts is not None and (going_on or not (self.timeline.is_closed or counts.done == counts.total)):
            cached = sum(step.way == "cached" for step in tuple(self.timeline.steps))
            hits = f", {cached} cached" if cached else ""
            verb = "Finishing" if self.timeline.is_closed else "Building"
            yield verb, f"{counts.done}/{counts.total}{hits}", _seconds(self.timeline.now)
        yield from going_on

    def _going_on(self) -> Iterator[tuple[str, str, str]]:
        for each in activity.running():
            yield each.verb, each.subject, each.progress
        yield from map(self._of, self._at_work())

    def _at_work(self) -> list[Step]:
        """Return the actions that run, what began first first; what is soon found in the cache does not count."""
        at_work = (
            step
            for step in tuple(self.timeline.running)
            if step.started is not None or self.timeline.worked(step) > _LOOKED_UP
        )
        return sorted(at_work, key=lambda step: step.begin)

    def _of(self, step: Step) -> tuple[str, str, str]:
        code = "" if step.metadata is None else ": its code"
        verb = "Waiting" if self.timeline.is_closed else step.verb
        subject = f"for {step.subject}" if self.timeline.is_closed else step.subject
        return verb, f"{subject}{code}", _seconds(self.timeline.worked(step))


def _seconds(number: float) -> str:
    return f"{number:.0f} s"
