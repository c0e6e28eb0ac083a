"""A process on a terminal of its own, whose whole screen a test reads: pyte is the terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_LIMIT = 120
"""Seconds for whatever a test waits for."""

_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""What a shell does for its user: the process gets the terminal, with Ctrl-C and its size."""


@dataclass
class Terminal:
    """A terminal and the process that has it; `frames` are all screens that there were after each piece of output.

    `moments` are seconds since the start, each with how many bytes of `raw` there were then.
    """

    process: subprocess.Popen[bytes]
    screen: Any
    controller: int
    frames: list[list[str]] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    moments: list[tuple[float, int]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @property
    def rows(self) -> list[str]:
        """The screen's text down to the last row that has any."""
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def until(self, condition: Callable[[list[str]], bool]) -> list[str]:
        """Wait for a screen, and return it."""
        end = time.monotonic() + _LIMIT
        while not condition(self.rows):
            assert time.monotonic() < end, self.rows
            assert self._read(), self.rows
        return self.rows

    def to_the_end(self) -> list[str]:
        """Wait until the process has ended, and return the last screen."""
        while self._read():
            pass
        self.process.wait(_LIMIT)
        return self.rows

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def type(self, text: str) -> None:
        os.write(self.controller, text.encode())

    def colour_at(self, row: int, column: int) -> str:
        return str(self.screen.buffer[row][column].fg)

    def _read(self) -> bool:
        """Take what the process wrote; False when it has closed the terminal."""
        ready, _, _ = select.select([self.controller], [], [], _LIMIT)
        try:
            text = os.read(self.controller, 1 << 16) if ready else b""
        except OSError:  # Linux: nobody has it open any more
            return False
        self.raw += text
        self.moments.append((time.monotonic() - self.began, len(self.raw)))
        self.stream.feed(text)
        self.frames.append(self.rows)
        return bool(text)

    def __post_init__(self) -> None:
        self.stream = pyte.ByteStream(self.screen)


@contextmanager
def terminal(
    argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], columns: int = 80, rows: int = 24
) -> Iterator[Terminal]:
    """Start a process on a new terminal."""
    controller, theirs = pty.openpty()
    screen = pyte.HistoryScreen(columns, rows, history=10_000)
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, *argv],
        cwd=cwd,
        env={"TERM": "xterm-256color", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    found = Terminal(process, screen, controller)
    found.resize(columns, rows)
    os.close(theirs)
    try:
        yield found
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(controller)
