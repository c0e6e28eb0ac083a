"""Standard output that remembers what it could not take: not everybody who writes to it minds. Does not write.

Nothing is imported here that Python has not loaded already: most starts have nothing else to do.
"""

from __future__ import annotations

import os
import sys
from errno import EBADF

TYPE_CHECKING = False  # as in `null_build`: typing itself takes long to be loaded
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TextIO

_STDERR = 2


class Stdout:
    """A stream in whose place it stands; `is_closed` says that nobody gave this process one."""

    def __init__(self, stream: TextIO, *, is_closed: bool) -> None:
        self._stream = stream
        self._is_closed = is_closed
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        try:
            if self._is_closed and text:
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
    """Have the three descriptors taken that everybody writes to: else files of ours would be what they lead to."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - that is its parameter
    os.close(descriptor)
    is_closed = sys.stdout is None
    stream = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115 - open to the end
    sys.stderr = sys.stderr or open(_STDERR, "w", encoding="utf-8")  # noqa: SIM115 - likewise
    stdout: Any = Stdout(stream, is_closed=is_closed)
    # SCons goes back to what Python began with
    sys.stdout = stdout
    sys.__stdout__ = stdout  # type: ignore[misc]


def complaint() -> str:
    """What could not be written, as an error's message; nothing where all was."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _told(error)
    failure = getattr(sys.stdout, "failure", None)
    return _told(failure) if failure else ""


def _told(error: OSError) -> str:
    return f"error: can't write to stdout: {error.strerror}\n"
