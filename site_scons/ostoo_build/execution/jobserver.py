"""Shares the machine's cores among all compilers and their threads.

The protocol is GNU make's (manual, "POSIX Jobserver Interaction"): a pipe with one byte per job. rustc implements it.
"""

from __future__ import annotations

import fcntl
import os
import termios
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def usable_cpus() -> int:
    """Return the number of processors that this process may use, as far as the system tells (macOS doesn't)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Jobserver:
    """A pool with one token for each thread that may be busy."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._read, self._write = os.pipe()
        os.write(self._write, b"+" * jobs)

    @property
    def descriptors(self) -> tuple[int, int]:
        """Return the file descriptors that a child must inherit."""
        return self._read, self._write

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables for a child."""
        flags = f"-j --jobserver-fds={self._read},{self._write} --jobserver-auth={self._read},{self._write}"
        return {"CARGO_MAKEFLAGS": flags}

    @property
    def busy(self) -> int:
        """Return how many tokens are in use."""
        waiting = array("i", [0])
        fcntl.ioctl(self._read, termios.FIONREAD, waiting)
        return self.jobs - waiting[0]

    @contextmanager
    def token(self) -> Iterator[None]:
        """Hold one token, which a running child owns implicitly."""
        byte = os.read(self._read, 1)
        try:
            yield
        finally:
            os.write(self._write, byte)

    @contextmanager
    def spare(self) -> Iterator[bool]:
        """Hold a token if one is free right now; the value tells whether."""
        byte = self._read_at_once()
        try:
            yield bool(byte)
        finally:
            os.write(self._write, byte)

    def _read_at_once(self) -> bytes:
        """Read by a descriptor of its own: children share the flags of the other one, and expect it to wait."""
        try:
            pipe = os.open(f"/proc/self/fd/{self._read}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # macOS has no such folder
            return b""
        try:
            return os.read(pipe, 1)
        except BlockingIOError:
            return b""
        finally:
            os.close(pipe)
