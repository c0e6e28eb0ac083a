"""Runs callbacks at the end of an invocation.

They run before the interpreter shuts down: during shutdown no thread can be started, and `atexit` handlers run even
later.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable

_left: list[Callable[[], None]] = []
_afterwards: list[Callable[[], None]] = []


def register(do: Callable[[], None]) -> None:
    """Register a callback for `run`."""
    _left.append(do)


def run() -> None:
    """Run the registered callbacks, the last registered first. Each runs once, however often `run` is called."""
    while _left:
        _left.pop()()


def register_afterwards(do: Callable[[], None]) -> None:
    """Register a callback for `run_afterwards`: work for the next build, for which nobody waits.

    If it fails with an `OSError` or an `OstooError`, the next build does that work.
    """
    _afterwards.append(do)


def run_afterwards() -> None:
    """Run these callbacks, the first registered first, each once."""
    while _afterwards:
        with contextlib.suppress(OSError, OstooError):
            _afterwards.pop(0)()
