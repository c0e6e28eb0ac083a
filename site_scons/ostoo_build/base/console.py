"""Tells the user what happens, in cargo's manner: a verb, a subject, compilers' own words. Decides nothing."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.base.errors import OstooError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_VERB_WIDTH = 12


def fetching(what: str) -> None:
    """Say what is about to be fetched, and how large it is, where nobody's report is at hand."""
    Report(colour=False, quiet=False).status("Fetching", what)


@dataclass
class Report:
    """Writes to stderr, one call at a time; `quiet` leaves only compilers' words and warnings."""

    colour: bool
    quiet: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _warned: set[str] = field(default_factory=set)

    def status(self, verb: str, subject: str) -> None:
        """Say that something has begun, or is done: `   Compiling core v0.0.0`."""
        if not self.quiet:
            self._write(f"{self._bold(verb.rjust(_VERB_WIDTH), '32')} {subject}\n")

    def warn_once(self, text: str) -> None:
        """Show a warning of the build itself, the first time it comes up."""
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self._write(f"{self._bold('warning', '33')}: {text}\n")

    def error_once(self, error: OstooError) -> None:
        """Show an error, the first time that it comes up: what goes away stops all who use it."""
        text = str(error)
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self.messages((text,))

    def messages(self, rendered: Iterable[str]) -> None:
        """Show what a compiler said, all in one piece."""
        text = "".join(message if message.endswith("\n") else message + "\n" for message in rendered if message)
        if text:
            self._write(text if self.colour else _ANSI.sub("", text))

    def _bold(self, text: str, colour: str) -> str:
        return f"\x1b[1;{colour}m{text}\x1b[0m" if self.colour else text

    def _write(self, text: str) -> None:
        with self._lock:
            sys.stderr.write(text)
            sys.stderr.flush()
