"""Takes steps of one piece of work at once, on processors that the rest of the build does not use right now."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from ostoo_build.base import process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    Steps = deque[Callable[[], object]]

_PAUSE = 0.1


class Processors(Protocol):
    """The processors that a build may use; `jobs` is their number."""

    @property
    def jobs(self) -> int: ...

    def spare(self) -> AbstractContextManager[bool]:
        """Hold a processor if one is free right now; the value tells whether."""
        ...


def perform(processors: Processors, steps: Iterable[Callable[[], object]]) -> None:
    """Take all steps: always one on the caller's own processor, and others while more are free.

    Raises what a step raises; none begins after that.
    """
    waiting = deque(steps)
    helpers = min(processors.jobs, len(waiting)) - 1
    with ThreadPoolExecutor(max(1, helpers), initializer=process.following()) as pool:
        beside = [pool.submit(_take_beside, processors, waiting) for _ in range(helpers)]
        while waiting:
            _take(waiting)
    for each in beside:
        each.result()


def _take_beside(processors: Processors, waiting: Steps) -> None:
    while waiting:
        with processors.spare() as is_free:
            if is_free:
                _take(waiting)
        if not is_free:
            time.sleep(_PAUSE)


def _take(waiting: Steps) -> None:
    try:
        step = waiting.popleft()
    except IndexError:  # another thread was faster
        return
    try:
        step()
    except BaseException:
        waiting.clear()
        raise
