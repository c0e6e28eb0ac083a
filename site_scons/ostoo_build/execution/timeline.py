"""Tells when each action begins, gets a core, and ends, and follows from these events which are at work now.

All times are seconds since the invocation began.
"""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import events
from ostoo_build.base.events import Stream
from ostoo_build.base.process import Batch, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.base.events import Event, Way


@dataclass(eq=False)  # a list that several threads change is searched in one go only by identity
class Step:
    """One action. `folder` holds its outputs, `inputs` are paths, all portable.

    `started` is when a process of it got a core on this machine, `metadata` when other units could compile against it;
    both are None if that did not happen. `reasons` explain the decision. `batch` contains its processes.
    While `is_waiting` it wants a core that others have. Events name it by its `number`.
    """

    verb: str
    subject: str
    folder: str
    inputs: Sequence[str]
    begin: float
    started: float | None = None
    metadata: float | None = None
    end: float = 0.0
    way: Way = "failed"
    reasons: str = ""
    batch: Batch = field(default_factory=Batch)
    is_waiting: bool = False
    number: int = 0

    @property
    def waited(self) -> float:
        """Seconds until the action got a core, if it ran on this machine."""
        return 0.0 if self.started is None else self.started - self.begin


@dataclass
class Timeline:
    """The actions of an invocation for which something was done, as `stream` tells. Thread-safe.

    `steps` have ended, `running` have not. Once `is_closed`, no step begins. `is_at_work` is set once an action has
    got a core.
    """

    stream: Stream = field(default_factory=Stream)
    steps: list[Step] = field(default_factory=list)
    running: list[Step] = field(default_factory=list)
    is_closed: bool = False
    is_at_work: threading.Event = field(default_factory=threading.Event)
    _current: threading.local = field(default_factory=threading.local)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _known: dict[int, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stream.listen(self._follow)

    @property
    def now(self) -> float:
        return self.stream.now

    @contextmanager
    def step(self, verb: str, subject: str, folder: str, inputs: Sequence[str], began: float) -> Iterator[Step]:
        """Measure an action from `began` to the end of the block; the caller sets how it was carried out.

        Raises `StoppedError` if no step may begin.
        """
        outer, number = self._here, next(self._numbers)
        self.stream.tell(events.ActionBegan(number, verb, subject, folder, tuple(inputs), began))
        found = self._current.step = self._known[number]
        try:
            if self.is_closed:
                raise StoppedError(subject)
            with found.batch:
                yield found
        finally:
            self._current.step = outer
            self.stream.tell(events.ActionEnded(number, found.way))

    def decided(self, reasons: str, cause: str, key: str) -> None:
        """Tell how the outputs of this thread's action are obtained."""
        if (step := self._here) is not None:
            self.stream.tell(events.ActionDecided(step.number, step.subject, reasons, cause, key))

    def waits(self) -> None:
        """Tell that the action of this thread wants a core."""
        if (step := self._here) is not None:
            self.stream.tell(events.ActionWaits(step.number))

    def started(self) -> None:
        """Tell that the action of this thread got a core."""
        if (step := self._here) is not None:
            self.stream.tell(events.ActionStarted(step.number))

    def command(self, argv: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
        """Tell what the action of this thread starts."""
        if (step := self._here) is not None:
            self.stream.tell(events.CommandStarted(step.number, tuple(argv), folder, dict(environment)))

    def sent(self, argv: Sequence[str], folder: str, environment: Mapping[str, str]) -> None:
        """Tell what a remote executor starts for the action of this thread."""
        if (step := self._here) is not None:
            self.stream.tell(events.CommandSent(step.number, tuple(argv), folder, dict(environment)))

    def metadata(self) -> None:
        """Tell that the metadata of this thread's action is complete."""
        if (step := self._here) is not None:
            self.stream.tell(events.MetadataCompleted(step.number))

    def worked(self, step: Step) -> float:
        """Return for how many seconds an action that runs has been at work, here or elsewhere."""
        return 0.0 if step.is_waiting else self.now - (step.begin if step.started is None else step.started)

    @property
    def _here(self) -> Step | None:
        return getattr(self._current, "step", None)

    def _follow(self, at: float, event: Event) -> None:
        """Follow what an event changes."""
        match event:
            case events.ActionBegan(number, verb, subject, folder, inputs, began):
                found = self._known[number] = Step(verb, subject, folder, inputs, began, number=number)
                self.running.append(found)
            case events.ActionDecided(action=number, reasons=reasons):
                self._known[number].reasons = reasons
            case events.ActionWaits(number):
                self._known[number].is_waiting = True
            case events.ActionStarted(number):
                found = self._known[number]
                found.started, found.is_waiting = at, False
                self.is_at_work.set()
            case events.MetadataCompleted(number):
                self._known[number].metadata = at
            case events.ActionEnded(number, way):
                found = self._known.pop(number)
                found.end, found.way = at, way
                self.running.remove(found)
                self.steps.append(found)


class Link(Struct, frozen=True):
    """A step on the critical path, and the time until which the next step waited for it."""

    step: Step
    until: float

    @property
    def seconds(self) -> float:
        return self.until - self.step.begin


def critical_path(steps: Sequence[Step]) -> list[Link]:
    """Return the chain of steps that determined the end time, first step first."""
    makers = {step.folder: step for step in steps}
    last = max(steps, key=lambda step: step.end, default=None)
    path: list[Link] = []
    until = last.end if last else 0.0
    while last is not None and last not in (link.step for link in path):
        path.append(Link(last, until))
        before = [(_ready(maker, last.begin), maker) for maker in _makers(last, makers)]
        until, last = max(before, key=lambda pair: pair[0], default=(0.0, None))
    return path[::-1]


def _makers(step: Step, makers: dict[str, Step]) -> list[Step]:
    """Return the steps that made a step's inputs; an output folder may be inside another."""
    found: dict[str, Step] = {}
    for path in step.inputs:
        folder = path
        while "/" in folder:
            folder = folder.rpartition("/")[0]
            if folder in makers:
                if folder != step.folder:
                    found[folder] = makers[folder]
                break
    return list(found.values())


def _ready(maker: Step, needed: float) -> float:
    """Return when a step allowed another one to begin at `needed`: its metadata may have been enough."""
    early = maker.metadata
    return early if early is not None and early <= needed < maker.end else min(maker.end, needed)
