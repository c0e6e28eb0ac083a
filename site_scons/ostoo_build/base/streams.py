"""Wraps standard output and records write errors that callers ignore.

This module imports nothing that Python has not already loaded: most starts have nothing else to do.
"""

from __future__ import annotations

import os
import sys
from errno import EBADF

TYPE_CHECKING = False  # as in `null_build`: loading `typing` takes long
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TextIO

_STDERR = 2
_terminals: tuple[bool, ...] | None = None


class Stdout:
    """Wraps a stream; `is_closed` says that the command was started without stdout."""

    def __init__(self, stream: TextIO, *, is_closed: bool) -> None:
        self._stream = stream
        self.is_closed = is_closed
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        try:
            if self.is_closed and text:
                raise OSError(EBADF, os.strerror(EBADF))  # noqa: TRY301 - as a closed descriptor would
            return self._stream.write(text)
        except OSError as error:
            self.failure = self.failure or error
            raise

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self.failure = self.failure or error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def take() -> None:
    """Open those of file descriptors 0 to 2 that are closed.

    Otherwise the next file opened would receive this process' output.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - that is its parameter
    os.close(descriptor)
    is_closed = sys.stdout is None
    stream = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(_STDERR, "w", encoding="utf-8")  # noqa: SIM115 - likewise
    wrap(stream, is_closed=is_closed)


def wrap(stream: TextIO, *, is_closed: bool) -> None:
    """Make a stream standard output."""
    stdout: Any = Stdout(stream, is_closed=is_closed)
    # SCons restores `sys.__stdout__`
    sys.stdout = stdout
    sys.__stdout__ = stdout  # type: ignore[misc]


def is_terminal(descriptor: int) -> bool:
    """Whether one of the descriptors 0 to 2 is a terminal, or will be when a build that waits begins."""
    return os.isatty(descriptor) if _terminals is None else _terminals[descriptor]


def expect_terminals(terminals: tuple[bool, ...]) -> None:
    """Set what `is_terminal` answers: a process that prepares a build has other streams than it will have."""
    global _terminals  # noqa: PLW0603 - the streams are the process', too
    _terminals = terminals


def complaint() -> str:
    """Return the error message for lost output; empty if everything was written."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _told(error)
    failure = getattr(sys.stdout, "failure", None)
    return _told(failure) if failure else ""


def _told(error: OSError) -> str:
    return f"error: can't write to stdout: {error.strerror}\n"
