"""Describes how a program ended in a guest."""

from __future__ import annotations

import signal

from msgspec import Struct

HUNG, DIED = 124, 125
"""Exit codes for a program that took too long, as `timeout` has it, and for one whose kernel went down with it."""

_ERROR = 1
_SIGNALLED = 128
_EXIT_CODES = 256


class Ending(Struct, frozen=True):
    """How a program ended.

    `code` is the exit code as in a shell, `signal` is 0 if none ended it, `text` is for the user.

    `is_own` says that the program ended by itself.
    """

    code: int
    text: str
    is_own: bool
    signal: int = 0

    @staticmethod
    def exited(code: int) -> Ending:
        """Return the ending for an exit code. A kernel may print more bits than a shell uses."""
        return Ending(code % _EXIT_CODES or (1 if code else 0), f"exit code {code}", is_own=True)

    @staticmethod
    def signalled(number: int) -> Ending:
        names = {each.value: f" ({each.name})" for each in signal.Signals}
        return Ending(_SIGNALLED + number, f"signal {number}{names.get(number, '')}", is_own=True, signal=number)

    @staticmethod
    def faulted(why: str) -> Ending:
        """Return the ending of a program that the kernel ended without a signal's number, as a shell tells SIGSEGV."""
        return Ending(_SIGNALLED + signal.SIGSEGV, why, is_own=True, signal=signal.SIGSEGV)

    @staticmethod
    def late(why: str) -> Ending:
        return Ending(HUNG, why, is_own=False)

    @staticmethod
    def died(why: str) -> Ending:
        return Ending(DIED, why, is_own=False)

    @staticmethod
    def not_started() -> Ending:
        return Ending(_ERROR, "not started: the guest had already stopped", is_own=False)


class ProgramResult(Struct, frozen=True):
    """A program's output, unmodified, and how it ended."""

    program: str
    output: bytes
    ending: Ending
