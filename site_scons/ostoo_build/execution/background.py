"""Work in the background: a library's metadata is of use before its code. Does not know what the work is."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.actions.record import Record

Work: TypeAlias = "Callable[[Callable[[], None]], Record]"
"""What performs a job; it calls its argument when a unit's metadata is there, if it comes that early."""


class Task:
    """One job on its way, in a thread of its own."""

    def __init__(self, work: Work) -> None:
        self._metadata = threading.Event()
        self._end: Future[Record] = Future()
        threading.Thread(target=self._follow, args=(work,)).start()

    def wait_for_metadata(self) -> None:
        """Return when the unit's metadata can be read. Raises what the work raised before that."""
        self._metadata.wait()
        if self._end.done():
            self._end.result()

    def wait(self) -> Record:
        """Return what was made when all outputs are there. Raises what the work raised."""
        return self._end.result()

    def _follow(self, work: Work) -> None:
        try:
            made = work(self._metadata.set)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            self._end.set_exception(error)
        else:
            self._end.set_result(made)
        self._metadata.set()


class Background:
    """All work of one invocation, by name: each is started once, whoever asks first."""

    def __init__(self) -> None:
        self._known: dict[str, Task] = {}
        self._lock = threading.Lock()

    def start(self, name: str, work: Work) -> Task:
        with self._lock:
            if name not in self._known:
                self._known[name] = Task(work)
            return self._known[name]
