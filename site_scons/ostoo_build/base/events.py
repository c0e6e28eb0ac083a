"""Defines what a build tells while it runs: one stream of values, which everything that shows a build is made of.

`--events FILE` writes each as a line of JSON, so their form is an interface: raise `FORMAT` for a change that a reader
has to know. All times are seconds since the build began.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.base.rendered import Diagnostic

FORMAT = 1

Way = Literal["cached", "remote", "local", "failed"]
"""How an action's outputs were obtained."""

Outcome = Literal["succeeded", "failed", "stopped"]
"""How a build ended; by a signal it is stopped."""


def _name(of_class: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in of_class).removeprefix("-")


class Event(Struct, frozen=True, tag_field="event", tag=_name):
    """What happened; the field `event` names its kind, such as `action-began`."""


class BuildBegan(Event, frozen=True):
    """The first event. `time` is in nanoseconds since 1970, `words` are SCons' arguments."""

    format: int
    version: str
    time: int
    words: tuple[str, ...]
    root: str
    jobs: int


class BuildPlanned(Event, frozen=True):
    """All actions are known. Those that are up to date have no other event."""

    actions: int


class ActionBegan(Event, frozen=True):
    """Something is done for an action since `began`. `folder` holds its outputs, `inputs` are paths, all portable."""

    action: int
    verb: str
    subject: str
    folder: str
    inputs: tuple[str, ...]
    began: float


class ActionDecided(Event, frozen=True):
    """It is decided how an action's outputs are obtained, and why in no cheaper way.

    `cause` is what differs from the last time, `key` that of the result, as far as it is known before the action runs.
    """

    action: int
    subject: str
    reasons: str
    cause: str
    key: str


class ActionWaits(Event, frozen=True):
    """An action wants a core that others have."""

    action: int


class ActionStarted(Event, frozen=True):
    """An action got a core on this machine."""

    action: int


class CommandStarted(Event, frozen=True):
    """A process of an action: its arguments, its folder, and all of its environment but for the jobserver."""

    action: int
    argv: tuple[str, ...]
    folder: str
    environment: dict[str, str]


class CommandSent(Event, frozen=True):
    """A process of an action on a remote executor, in the words of this machine: its arguments, folder, environment."""

    action: int
    argv: tuple[str, ...]
    folder: str
    environment: dict[str, str]


class MetadataCompleted(Event, frozen=True):
    """Other units can compile against a library whose code is still being made."""

    action: int


class ActionEnded(Event, frozen=True):
    """An action ended."""

    action: int
    way: Way


class StatusShown(Event, frozen=True):
    """A line of progress, such as `Fetching` and `zig`."""

    verb: str
    subject: str


class DiagnosticShown(Event, frozen=True):
    """A message of a compiler or of the build; `path` is empty if it has no place, and so are `line` and `column`."""

    level: str
    code: str
    message: str
    path: str
    line: str
    column: str
    text: str


class BuildEnded(Event, frozen=True):
    """The last event."""

    outcome: Outcome


Listener: TypeAlias = Callable[[float, Event], None]


class Stream:
    """Passes events on to all listeners, at once and in the thread where they happen; `began` is a `time.monotonic`."""

    def __init__(self, began: float | None = None) -> None:
        self.began = time.monotonic() if began is None else began
        self._listeners: tuple[Listener, ...] = ()

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    def restart(self) -> None:
        """Reset the beginning to now: time spent waiting for an edit doesn't count."""
        self.began = time.monotonic()

    def listen(self, listener: Listener) -> None:
        """Let a listener hear all further events. It may be called by several threads at once."""
        self._listeners = (*self._listeners, listener)

    def status(self, verb: str, subject: str) -> None:
        """Tell a line of progress."""
        self.tell(StatusShown(verb, subject))

    def diagnosed(self, found: Iterable[Diagnostic]) -> None:
        """Tell messages of a compiler or of the build."""
        for each in found:
            self.tell(DiagnosticShown(*each))

    def tell(self, event: Event) -> None:
        at = self.now
        for listener in self._listeners:
            listener(at, event)
