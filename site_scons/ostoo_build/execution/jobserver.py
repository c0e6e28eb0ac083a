"""Shares the machine's cores between all compilers and their threads. Does not know what they compile.

The protocol is GNU make's (manual, "POSIX Jobserver Interaction"): a pipe with one byte per job; rustc speaks it.
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
    """The processors that this process may use; macOS can't tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Jobserver:
    """A pool of as many tokens as there may be busy threads."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._read, self._write = os.pipe()
        os.write(self._write, b"+" * jobs)

    @property
    def descriptors(self) -> tuple[int, int]:
        """What a child inherits to take part."""
        return self._read, self._write

    @property
    def environment(self) -> dict[str, str]:
        """What tells a child how to take part."""
        flags = f"-j --jobserver-fds={self._read},{self._write} --jobserver-auth={self._read},{self._write}"
        return {"CARGO_MAKEFLAGS": flags}

    @property
    def busy(self) -> int:
        """How many threads hold a token."""
        waiting = array("i", [0])
        fcntl.ioctl(self._read, termios.FIONREAD, waiting)
        return self.jobs - waiting[0]

    @contextmanager
    def token(self) -> Iterator[None]:
        """Hold one token, the one that a child has implicitly, while it runs."""
        byte = os.read(self._read, 1)
        try:
            yield
        finally:
            os.write(self._write, byte)
