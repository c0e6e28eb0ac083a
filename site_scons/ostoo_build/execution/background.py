"""Runs jobs in background threads, so that a library's metadata can be used before its code exists."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.record import Record

Work: TypeAlias = "Callable[[Callable[[], None]], Record]"
"""Performs a job; calls its argument when the unit's metadata is complete, if that is earlier than the code."""


STARTING = 0.01
"""Seconds that the start of a process takes: what is done while it runs begins later, and does not delay it."""


class Task:
    """A job in a thread of its own."""

    def __init__(self, work: Work) -> None:
        self._metadata = threading.Event()
        self._end: Future[Record] = Future()
        self._thread = threading.Thread(target=self._follow, args=(work,))
        self._thread.start()

    def wait_for_metadata(self) -> None:
        """Wait until the unit's metadata can be read. Raises what the work raised before that."""
        self._metadata.wait()
        if self._end.done():
            self._end.result()

    def wait(self) -> Record:
        """Wait until all outputs exist and return the record. Raises what the work raised."""
        return self._end.result()

    def join(self) -> None:
        """Wait until the work has ended, well or not."""
        self._thread.join()

    def _follow(self, work: Work) -> None:
        try:
            made = work(self._metadata.set)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            self._end.set_exception(error)
        else:
            self._end.set_result(made)
        self._metadata.set()


class Ahead:
    """Work that is begun before somebody asks for its result, each by a name. It saves time only."""

    def __init__(self) -> None:
        self._begun: dict[str, Future[object]] = {}

    def begin(self, name: str, work: Callable[[], object]) -> None:
        future: Future[object] = Future()
        with contextlib.suppress(RuntimeError):  # the system allows no more threads
            threading.Thread(target=self._follow, args=(future, work)).start()
            self._begun[name] = future

    def take(self, name: str) -> object:
        """Wait for the result and forget it; None if nothing was begun, or if it failed."""
        future = self._begun.pop(name, None)
        return None if future is None else future.result()

    def forget(self, name: str) -> None:
        """Keep no result that nobody will take."""
        self._begun.pop(name, None)

    @staticmethod
    def _follow(future: Future[object], work: Callable[[], object]) -> None:
        try:
            future.set_result(work())
        except Exception:  # noqa: BLE001 - who does the work then raises it
            future.set_result(None)


class Background:
    """All background tasks of an invocation, by name. Each is started once."""

    def __init__(self) -> None:
        self._known: dict[str, Task] = {}
        self._lock = threading.Lock()

    def start(self, name: str, work: Work) -> Task:
        with self._lock:
            if name not in self._known:
                self._known[name] = Task(work)
            return self._known[name]

    def wait(self) -> None:
        """Wait until all tasks have ended, well or not."""
        for task in tuple(self._known.values()):
            task.join()
