"""Writes progress, warnings and errors to stderr in cargo's format: a verb and a subject. Decides nothing.

What it shows it also tells, as events.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ostoo_build.base import github_commands, rendered, terminal
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ostoo_build.base.errors import OstooError
    from ostoo_build.base.events import Stream

_DIAGNOSTIC = lazy_pattern(r"(?m)^(?=(?:\x1b\[[0-9;]*m)*(?:warning|error)\b)")
"""Where one begins."""

_SUMMARY = lazy_pattern(r"\d+ warnings? emitted|aborting due to")
"""rustc's last words about a crate."""

_VERB_WIDTH = 12
GREEN, _CYAN = "32", "36"
ERROR, WARNING, _PLACE, HELP = "91", "33", "94", "96"
"""The colours of rustc's own messages."""

_HEADS = (("error: ", ERROR), ("  --> ", _PLACE), ("  help: ", HELP))
"""How lines of an `OstooError` begin, and in which colour."""


def fetching(what: str) -> None:
    """Announce a download and its size, for callers that have no `Console`."""
    Console.of(os.environ).status("Fetching", what)


def going_on(verb: str, subject: str, progress: str, columns: int, *, colour: bool) -> str:
    """Return a line about something that goes on, narrower than `columns`: the subject is cut where it does not fit."""
    room = columns - _VERB_WIDTH - len(progress) - 5
    shown = subject if len(subject) <= room else f"{subject[: max(room - 1, 0)]}…"
    rest = f"{verb.rjust(_VERB_WIDTH)} {shown} ({progress})"[: columns - 1]
    return bold(rest[:_VERB_WIDTH], _CYAN) + rest[_VERB_WIDTH:] if colour else rest


@dataclass
class Console:
    """Writes each message to stderr with one call. `quiet` suppresses all but warnings and compiler output.

    `annotated` is where diagnostics name files from if GitHub Actions reads what is written, else None.
    `spoke` is when the last message was written, as in `time.monotonic`. `events` hears what is shown.
    """

    colour: bool
    quiet: bool
    annotated: github_commands.Place | None = None
    spoke: float = field(default_factory=time.monotonic)
    events: Stream | None = None
    said: list[str] = field(default_factory=list)
    """The compilers' messages, with colours."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _warned: set[str] = field(default_factory=set)
    _shown: set[str] = field(default_factory=set)

    @staticmethod
    def of(environ: Mapping[str, str], *, quiet: bool = False) -> Console:
        """Return the console for this process' present stderr and working folder."""
        annotated = github_commands.place(environ, os.getcwd())  # noqa: PTH109 - a text
        return Console(terminal.takes_colours(sys.stderr, environ), quiet, annotated)

    def status(self, verb: str, subject: str) -> None:
        """Print the beginning or the end of a step, such as `   Compiling core v0.0.0`."""
        if self.events is not None:
            self.events.status(verb, subject)
        if not self.quiet:
            self._write(f"{self._head(verb.rjust(_VERB_WIDTH), GREEN)} {subject}\n")

    def command(self, text: str) -> None:
        """Print a command alone in its line, so that it can be copied."""
        self._write(f"{text}\n")

    def waits(self, what: str) -> None:
        """Print what the process waits for, if it does, and count that as a message in any case."""
        if what:
            self.status("Waiting", f"for {what}")
        self.spoke = time.monotonic()

    def warn_once(self, text: str) -> None:
        """Print a warning of the build itself; a repeated warning is printed once."""
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self._diagnose(f"{self._head('warning', WARNING)}: {text}\n", f"warning: {text}")

    def error_once(self, error: OstooError) -> None:
        """Print an error; a repeated error is printed once.

        Several jobs may fail for the same reason, such as a removed toolchain.
        """
        text = str(error)
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self.error(error)

    def error(self, error: OstooError, said: Iterable[str] = ()) -> None:
        """Print an error after what a compiler said about it."""
        self._show((*(self._anew(text) for text in said), _painted(error)))

    def messages(self, rendered: str) -> None:
        """Print what a compiler says or said in one piece, but diagnostics that were shown: units share sources."""
        text = self._anew(rendered)
        self.said.append(text)
        self._show((text,))

    def _anew(self, rendered: str) -> str:
        """Return the diagnostics that were not shown before this text, and rustc's summary of such."""
        left = []
        with self._lock:
            is_shown = True
            for text in _diagnostics(rendered):
                is_shown = is_shown if _SUMMARY.search(text) else text in self._shown
                if not is_shown:
                    left.append(text)
            self._shown.update(left)
        return "".join(left)

    def _show(self, texts: Iterable[str]) -> None:
        text = "".join(text if text.endswith("\n") else text + "\n" for text in texts if text)
        if text:
            plain = terminal.without_colours(text)
            self._diagnose(text if self.colour else plain, plain)

    def _diagnose(self, shown: str, plain: str) -> None:
        """Print diagnostics, with annotations where these are read, and tell each of them."""
        found = list(rendered.read(plain)) if self.annotated or self.events is not None else []
        notes = "".join(github_commands.commands(found, self.annotated)) if self.annotated else ""
        self._write(f"{shown}{notes}")
        if self.events is not None:
            self.events.diagnosed(found)

    def _head(self, text: str, colour: str) -> str:
        return bold(text, colour) if self.colour else text

    def _write(self, text: str) -> None:
        with self._lock:
            sys.stderr.write(text)
            sys.stderr.flush()
            self.spoke = time.monotonic()


def bold(text: str, colour: str) -> str:
    """Return a text in one of the colours, in bold, for a stream that takes colours."""
    return f"\x1b[1;{colour}m{text}\x1b[0m"


def _diagnostics(rendered: str) -> list[str]:
    return [text for text in _DIAGNOSTIC.split(rendered) if text]


def _painted(error: OstooError) -> str:
    return "\n".join(map(_painted_line, str(error).split("\n")))


def _painted_line(line: str) -> str:
    for head, colour in _HEADS:
        if line.startswith(head):
            return bold(head.rstrip(), colour) + line[len(head.rstrip()) :]
    return line


_of_process: list[Console] = []


def speak(console: Console) -> None:
    """Let callers that have no `Console` use this one from now on, so that its listeners hear them too."""
    _of_process[:] = [console]


def complain(error: OstooError) -> None:
    """Print an error, for callers that have no `Console`."""
    (_of_process[0] if _of_process else Console.of(os.environ)).error(error)
