"""The server of ./ostoo watch: loads SCons and forks each build. Usage: python serve.py IN OUT ARGUMENTS.

A byte on the descriptor IN requests a build, a byte on OUT is its exit code. Between requests one build waits that has
already read everything; see `standby`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import capstone  # type: ignore[import-untyped]  # noqa: F401 - each build that does anything needs it, as the rest here
import jsonschema  # noqa: F401
import SCons.Environment
import SCons.Platform.posix
import SCons.Script.Main  # noqa: F401

from ostoo_build.base import deferred
from ostoo_build.rebuild.process_start import ProcessStart, run_scons
from ostoo_build.rebuild.standby import STALE, Standby


class _Child(NamedTuple):
    """A forked build; `line` is our end of the socket to it."""

    pid: int
    line: socket.socket

    def run(self) -> tuple[int, bool]:
        """Let it build. Return its exit code, negative for a signal, and whether it could read its inputs."""
        has_read = bool(self.line.recv(1))
        with contextlib.suppress(OSError):
            self.line.send(b"g")
        _, status = os.waitpid(self.pid, 0)
        self.line.close()
        return os.waitstatus_to_exitcode(status), has_read


def main() -> None:
    requests, answers = map(int, sys.argv[1:3])
    arguments = sys.argv[3:]
    gc.freeze()
    standby = _serve(requests, answers)
    started = time.time_ns()
    for descriptor in (requests, answers):
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # SCons installs its own handler while it builds
    sys.argv = ["scons", "-Q", *arguments]
    try:
        run_scons(ProcessStart(started, standby=standby))
    finally:
        deferred.run()
        if not standby.holds(started):
            sys.exit(STALE)


def _serve(requests: int, answers: int) -> Standby:
    """Answer requests; returns in forked builds only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build; this process ends with its client
    waiting: _Child | None = None
    while os.read(requests, 1):
        code, has_read = waiting.run() if waiting else (STALE, False)
        if code == STALE or not has_read or _is_killed(code):
            child = _fork(waits=False)
            if isinstance(child, Standby):
                return child
            code, has_read = child.run()
            if _is_killed(code):
                name = signal.Signals(-code).name
                print(f"error: the build was killed by {name}", file=sys.stderr, flush=True)  # noqa: T201 - nobody else can
        try:
            os.write(answers, bytes([code if code >= 0 else 128 - code]))
        except BrokenPipeError:  # the client is gone
            break
        waiting = None
        if has_read:
            next_one = _fork(waits=True)
            if isinstance(next_one, Standby):
                return next_one
            waiting = next_one
    sys.exit()


def _is_killed(code: int) -> bool:
    """Whether another process killed a build, such as the kernel for lack of memory. The next build does its work."""
    return code < 0 and -code != signal.SIGINT


def _fork(*, waits: bool) -> _Child | Standby:
    """Fork a build; in the new process return its standby."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        return Standby(theirs, waits=waits)
    theirs.close()
    return _Child(pid, ours)


main()
