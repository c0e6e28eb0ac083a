"""Makes a forked process what it would be if a command had started it."""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
from typing import TYPE_CHECKING, Any, cast

from ostoo_build.base import streams
from ostoo_build.base.errors import OstooError
from ostoo_build.server import request as requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.server.request import Request

_Inherited = tuple[int, list[tuple[int, tuple[int, int]]], int, list[int], list[int], list[int]]


def is_possible(wanted: Request) -> bool:
    """Whether a process forked here may have all that a command hands over: limits and niceness only get worse."""
    _, limits, nice, *_ = cast("_Inherited", wanted.inherited)
    if os.geteuid() == 0:
        return True
    hard = ((asked, resource.getrlimit(each)[1]) for each, (_, asked) in limits)
    return nice >= os.getpriority(os.PRIO_PROCESS, 0) and all(_reaches(own, asked) for asked, own in hard)


def _reaches(own: int, asked: int) -> bool:
    return own == resource.RLIM_INFINITY or own >= asked != resource.RLIM_INFINITY


def adopt(wanted: Request) -> None:
    """Take over all that a process inherits but streams. Raises `OstooError` if the system refuses it."""
    os.environ.clear()
    os.environb.update(wanted.environment)
    umask, limits, nice, processors, ignored, blocked = cast("_Inherited", wanted.inherited)
    os.umask(umask)
    try:
        for each, pair in limits:
            resource.setrlimit(each, pair)
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        os.sched_setaffinity(0, processors)
    except (OSError, ValueError) as error:
        raise OstooError(f"can't take over limits: {error}") from error
    for number in requests.SIGNALS:
        signal.signal(number, signal.SIG_IGN if number in ignored else _usual(number))
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    tempfile.tempdir = None


def _usual(number: int) -> Any:
    return signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL


def take_streams(descriptors: Sequence[int], wanted: Request) -> None:
    """Make descriptors the standard streams, and Python's objects for them as Python does when it starts."""
    switch(descriptors)
    streams.expect_terminals(wanted.terminals)
    stdin, stdout, stderr = sys.stdin, sys.stdout, sys.stderr
    buffering = 1 if wanted.terminals[1] else -1
    sys.stdin = sys.__stdin__ = open(0, encoding=stdin.encoding, errors=stdin.errors, closefd=False)  # type: ignore[misc] # noqa: SIM115 - to the end
    made = open(1, "w", buffering, encoding=stdout.encoding, errors=stdout.errors, closefd=False)  # noqa: SIM115 - likewise
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding=stderr.encoding, errors=stderr.errors, closefd=False)  # type: ignore[misc] # noqa: SIM115 - likewise
    streams.wrap(made, is_closed=wanted.is_closed)


def switch(descriptors: Sequence[int]) -> None:
    """Make descriptors the standard streams, and close them. Python's objects keep writing to the same numbers."""
    sys.stdout.flush()
    sys.stderr.flush()
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
