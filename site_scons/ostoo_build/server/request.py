"""What a command hands over to a server: its request, and what a process inherits from the one that starts it.

This module imports little, as `address` does.
"""

from __future__ import annotations

import marshal
import os
import resource
import sys

from ostoo_build.start.null_build import HARMLESS

TYPE_CHECKING = False
if not TYPE_CHECKING:
    import _signal as signal  # loads in a tenth of `signal`'s time
if TYPE_CHECKING:  # loading `typing` takes longer than a request
    import signal  # noqa: TC004 - the other name of what is loaded above

    from ostoo_build.start.null_build import Question

STREAMS = (0, 1, 2)
"""The descriptors that are handed over."""

_LIMITS = tuple(sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")}))
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGUSR1)
"""Signals that a command may have been started to ignore, as by `nohup`."""


_FIELDS = ("asked", "environment", "inherited", "is_closed", "process", "started", "terminals", "words")


class Request:
    """`words` are SCons' arguments, `asked` is the request as notes of null builds name it, or None for no note.

    `started` is when the command began, in ns since the epoch. `inherited` are umask, limits, niceness, processors, and
    signals that are ignored or blocked. `process` is the command's id. `terminals` says of each stream whether it is a
    terminal, `is_closed` that stdout was closed.
    """

    __slots__ = _FIELDS
    asked: Question | None
    environment: dict[bytes, bytes]
    inherited: tuple[object, ...]
    is_closed: bool
    process: int
    started: int
    terminals: tuple[bool, ...]
    words: list[str]

    def to_bytes(self) -> bytes:
        return marshal.dumps(tuple(getattr(self, name) for name in _FIELDS))

    @staticmethod
    def from_bytes(content: bytes) -> Request:
        """Parse the output of `to_bytes`, of this user's own process."""
        return _with(dict(zip(_FIELDS, marshal.loads(content), strict=True)))  # noqa: S302 - the server has asked whose it is

    def is_like(self, other: Request) -> bool:
        """Whether a process that was started for another request can carry this one out."""
        return self._compared() == other._compared()

    def _compared(self) -> tuple[object, ...]:
        kept = {name: value for name, value in self.environment.items() if name not in HARMLESS}
        return (self.words, self.asked is None, kept, self.inherited, self.terminals, self.is_closed)


def _with(values: dict[str, object]) -> Request:
    made = Request()
    for name in _FIELDS:
        setattr(made, name, values[name])
    return made


def captured(words: list[str], asked: Question | None, started: int) -> Request:
    """Return the request of this process."""
    umask = os.umask(0o077)
    os.umask(umask)
    limits = [(each, resource.getrlimit(each)) for each in _LIMITS]
    ignored = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_IGN]
    blocked = sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    processors = sorted(os.sched_getaffinity(0))
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return _with(
        {
            "asked": asked,
            "environment": dict(os.environb),
            "inherited": (umask, limits, nice, processors, ignored, blocked),
            "is_closed": bool(getattr(sys.stdout, "is_closed", False)),
            "process": os.getpid(),
            "started": started,
            "terminals": tuple(os.isatty(each) for each in STREAMS),
            "words": words,
        }
    )
