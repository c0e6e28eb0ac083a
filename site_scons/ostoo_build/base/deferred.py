"""What an invocation has still to do at its end. Does not know what it is.

It is done before the interpreter begins to end: from then on no thread can be started, and what `atexit` calls comes
later still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_left: list[Callable[[], None]] = []


def register(do: Callable[[], None]) -> None:
    """Have something done by `run`."""
    _left.append(do)


def run() -> None:
    """Do what is left to do, the last first. It is done once, whoever asks how often."""
    while _left:
        _left.pop()()
