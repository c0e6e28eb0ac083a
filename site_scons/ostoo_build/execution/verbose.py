"""Shows how actions are carried out, for `-v`: each command so that a shell runs it, and for `-vv` the reasons too."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import events

if TYPE_CHECKING:
    from ostoo_build.base.console import Console
    from ostoo_build.base.events import Event

_KEY = 12
"""How many characters of a key are shown; the action log and `--events` have all of it."""


class Verbose(Struct, frozen=True):
    """A listener that shows commands, reasons, or both on a console."""

    console: Console
    shows_commands: bool
    shows_reasons: bool

    def __call__(self, _at: float, event: Event) -> None:
        match event:
            case events.CommandStarted() | events.CommandSent() if self.shows_commands:
                self.console.command(command(event))
            case events.ActionDecided() if self.shows_reasons:
                cause = f" ({event.cause})" if event.cause else ""
                self.console.status("Explained", f"{event.subject} is {event.reasons}{cause}; key {event.key[:_KEY]}")


def command(event: events.CommandStarted | events.CommandSent) -> str:
    """Return a line for a POSIX shell that starts the same process, alone, and leaves the shell where it is."""
    variables = (f"{name}={value}" for name, value in event.environment.items())
    return f"(cd {shlex.quote(event.folder)} && {shlex.join(['env', '-i', *variables, *event.argv])})"
