"""Shows some lines below everything else that a process writes to its terminal, and keeps them current.

Between two writes the cursor stands where the block begins. So it is erased from there to the end of the screen,
however the terminal has wrapped it since, and nothing above it is ever touched. Each change is one write.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from ostoo_build.base import terminal

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

_DELAY = 0.3
"""Seconds before the block is shown: most builds in an editor loop are shorter."""

_PERIOD = 0.1
"""Seconds between two looks at what is to be shown."""

_PATIENCE = 0.1
"""Seconds to wait for who writes, when the process ends by force."""

_ERASE = "\r\x1b[J"

_STREAMS = ("stderr", "stdout")


class _Above:
    """A stream of this process whose text goes above the block."""

    def __init__(self, block: StatusBlock, stream: TextIO) -> None:
        self._block = block
        self._stream = stream

    def write(self, text: str) -> int:
        self._block.write(self._stream, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class StatusBlock:
    """A block of lines on the terminal of stderr, as `lines` returns them for a size, each narrower than that.

    What is written to `sys.stderr` and `sys.stdout` appears above it.
    """

    def __init__(self, lines: Callable[[os.terminal_size], list[str]]) -> None:
        self._lines = lines
        self._stream: TextIO = sys.stderr
        self._shown: list[str] = []
        self._is_within_line = False
        self._lock = threading.RLock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Show the block from now on, until `stop`."""
        for name in _STREAMS:
            stream = getattr(sys, name)
            if terminal.is_terminal(stream):
                _replace(name, _Above(self, stream))
        _on_terminal.append(self)
        # made here: Python 3.13.0 cannot start a thread that was made before a fork
        self._thread = threading.Thread(target=self._keep_current, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the block away."""
        self._is_over.set()
        with self._lock:
            self._take_away()
        if self._thread is not None:
            self._thread.join()
        _on_terminal.remove(self)
        for name in _STREAMS:
            stream = getattr(sys, name)
            if isinstance(stream, _Above):
                _replace(name, stream._stream)  # noqa: SLF001 - our own

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Take the block away while another program has the terminal."""
        with self._lock:
            self._take_away()
            yield

    def write(self, stream: TextIO, text: str) -> None:
        """Write a text to one of the terminal's streams, above the block."""
        if not text:
            return
        with self._lock:
            begin = _ERASE if self._shown and terminal.is_in_front(self._stream) else ""
            self._shown = []
            self._is_within_line = not text.endswith("\n")
            again = "" if self._is_within_line or not begin else self._drawn()
            if stream is self._stream:
                stream.write(f"{begin}{text}{again}")
            else:
                self._stream.write(begin)
                self._stream.flush()
                stream.write(text)
                stream.flush()
                self._stream.write(again)
            self._stream.flush()

    def leave(self) -> None:
        """Take the block away for good, without waiting long for a thread that writes."""
        self._is_over.set()
        if self._lock.acquire(timeout=_PATIENCE):
            self._take_away()

    def _keep_current(self) -> None:
        self._is_over.wait(_DELAY)
        while not self._is_over.is_set():
            with self._lock, contextlib.suppress(OSError, ValueError):  # the terminal is gone: its writers will tell
                self._draw()
            self._is_over.wait(_PERIOD)

    def _draw(self) -> None:
        if self._is_over.is_set() or self._is_within_line or not terminal.is_in_front(self._stream):
            return
        former = self._shown
        drawn = self._drawn()
        if self._shown != former:
            self._stream.write(drawn)
            self._stream.flush()

    def _drawn(self) -> str:
        """Return what draws the block in place of the former one; the cursor is where that began, and is after it."""
        self._shown = self._lines(terminal.size(self._stream))
        if not self._shown:
            return _ERASE
        up = f"\x1b[{len(self._shown) - 1}A" if len(self._shown) > 1 else ""
        return "\r" + "\n".join(f"{line}\x1b[K" for line in self._shown) + f"\x1b[J{up}\r"

    def _take_away(self) -> None:
        if self._shown:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(_ERASE)
                self._stream.flush()
        self._shown = []


_on_terminal: list[StatusBlock] = []


def leave_all() -> None:
    """Take away what is shown, as the process ends by force."""
    for block in tuple(_on_terminal):
        block.leave()


@contextlib.contextmanager
def away() -> Iterator[None]:
    """Take away what is shown while another program has the terminal."""
    with contextlib.ExitStack() as stack:
        for block in tuple(_on_terminal):
            stack.enter_context(block.away())
        yield


def _replace(name: str, stream: Any) -> None:
    """Set a stream of this process, and the one that SCons goes back to."""
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)
