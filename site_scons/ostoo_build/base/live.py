"""Lets the user see what a process waits for: in a block on a terminal, in CI in a line after each time of silence."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ostoo_build.base import activity, terminal
from ostoo_build.base.console import going_on
from ostoo_build.base.status_block import StatusBlock

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    from ostoo_build.base.console import Console

_SILENCE = 30.0
"""Seconds after which who reads a log wants to know that something happens."""


class Status(Protocol):
    """What goes on in this process."""

    def lines(self, size: os.terminal_size) -> list[str]:
        """Return lines that are narrower than a terminal of this size, and fewer than its rows, or none."""

    def sentence(self) -> str:
        """Return the same in one line, empty if nothing goes on."""


class Display(Protocol):
    """Something that shows a status from `start` to `stop`."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Heartbeat:
    """Writes what goes on whenever nothing was written for half a minute: CI services end jobs that seem to hang."""

    def __init__(self, status: Status, console: Console) -> None:
        self._status = status
        self._console = console
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        # made here: Python 3.13.0 cannot start a thread that was made before a fork
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._is_over.wait(max(0.0, self._console.spoke + _SILENCE - time.monotonic())):
            if time.monotonic() - self._console.spoke >= _SILENCE:
                self._console.waits(self._status.sentence())


def display(status: Status, console: Console, environ: Mapping[str, str]) -> Display | None:
    """Return what shows a status on this process' stderr; None for a log that nobody waits for, and for `quiet`."""
    if console.quiet:
        return None
    if terminal.moves_cursor(sys.stderr, environ):
        return StatusBlock(status.lines)
    return Heartbeat(status, console) if environ.get("CI", "") not in terminal.UNSET else None


@contextmanager
def shown(status: Status, console: Console, environ: Mapping[str, str]) -> Iterator[None]:
    """Show a status until the end of the block."""
    found = display(status, console, environ)
    if found is None:
        yield
        return
    found.start()
    try:
        yield
    finally:
        found.stop()


class SetUp:
    """The status of a process that builds nothing itself: its activities."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def lines(self, size: os.terminal_size) -> list[str]:
        return [
            going_on(each.verb, each.subject, each.progress, size.columns, colour=self._colour)
            for each in activity.running()[: max(1, size.lines - 1)]
        ]

    def sentence(self) -> str:
        return activity.sentence()
