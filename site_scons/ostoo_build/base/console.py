"""Writes progress, warnings and errors to stderr in cargo's format: a verb and a subject. Decides nothing."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.base.errors import OstooError

_ANSI = lazy_pattern(r"\x1b\[[0-9;]*m")
_VERB_WIDTH = 12


def fetching(what: str) -> None:
    """Announce a download and its size, for callers that have no `Console`."""
    Console(colour=False, quiet=False).status("Fetching", what)


@dataclass
class Console:
    """Writes each message to stderr with one call. `quiet` suppresses all but warnings and compiler output."""

    colour: bool
    quiet: bool
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _warned: set[str] = field(default_factory=set)

    def status(self, verb: str, subject: str) -> None:
        """Print the beginning or the end of a step, such as `   Compiling core v0.0.0`."""
        if not self.quiet:
            self._write(f"{self._bold(verb.rjust(_VERB_WIDTH), '32')} {subject}\n")

    def warn_once(self, text: str) -> None:
        """Print a warning of the build itself; a repeated warning is printed once."""
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self._write(f"{self._bold('warning', '33')}: {text}\n")

    def error_once(self, error: OstooError) -> None:
        """Print an error; a repeated error is printed once.

        Several jobs may fail for the same reason, such as a removed toolchain.
        """
        text = str(error)
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self.messages((text,))

    def messages(self, rendered: Iterable[str]) -> None:
        """Print the messages of a compiler in one piece."""
        text = "".join(message if message.endswith("\n") else message + "\n" for message in rendered if message)
        if text:
            self._write(text if self.colour else _ANSI.sub("", text))

    def _bold(self, text: str, colour: str) -> str:
        return f"\x1b[1;{colour}m{text}\x1b[0m" if self.colour else text

    def _write(self, text: str) -> None:
        with self._lock:
            sys.stderr.write(text)
            sys.stderr.flush()
