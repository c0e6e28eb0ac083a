"""Compilations in the background: a library's metadata is of use before its code. Does not run rustc itself."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Work: TypeAlias = "Callable[[Callable[[], None]], None]"
"""What compiles a unit; it calls its argument when the unit's metadata is there, if it comes that early."""


class Compilation:
    """One unit on its way, in a thread of its own."""

    def __init__(self, work: Work) -> None:
        self._metadata = threading.Event()
        self._end: Future[None] = Future()
        threading.Thread(target=self._follow, args=(work,)).start()

    def wait_for_metadata(self) -> None:
        """Return when the unit's metadata can be read. Raises what the compilation raised before that."""
        self._metadata.wait()
        if self._end.done():
            self._end.result()

    def wait(self) -> None:
        """Return when all outputs are there. Raises what the compilation raised."""
        self._end.result()

    def _follow(self, work: Work) -> None:
        try:
            work(self._metadata.set)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            self._end.set_exception(error)
        else:
            self._end.set_result(None)
        self._metadata.set()


class Compilations:
    """Those of one invocation, by unit id: each is started once, whoever asks first."""

    def __init__(self) -> None:
        self._known: dict[str, Compilation] = {}
        self._lock = threading.Lock()

    def start(self, unit: str, work: Work) -> Compilation:
        with self._lock:
            if unit not in self._known:
                self._known[unit] = Compilation(work)
            return self._known[unit]
