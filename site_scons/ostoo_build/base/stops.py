"""Ends an invocation promptly on a signal: running processes are killed, finished results are kept.

Python runs signal handlers in the main thread, which may be waiting for a lock, and SCons installs its own handlers
for some time. So a separate thread is woken through `signal.set_wakeup_fd` (Python's documentation of `signal`).
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

from ostoo_build.base import process, status_block

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

_PATIENCE = 0.4
"""Seconds to write finished results. If that is not enough, only time is lost."""

_MOMENT = 0.2
"""Seconds for a last word, which may go to somebody who does not listen."""

_NONE = b"\0"
"""The byte that marks a query in the stream of signal numbers."""

_BY_SIGNAL = 128
"""Shells report a death by signal N as exit code 128 + N."""


class Stops:
    """Handles signals from its creation on. Must be created in the main thread.

    `leaving` is called where the process is left before its own end; it has a moment to return.
    """

    def __init__(self) -> None:
        self.leaving: Callable[[], None] = _nothing
        self._asked = 0
        self._is_read = threading.Event()
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        threading.Thread(target=self._wait, daemon=True).start()

    @property
    def is_asked(self) -> bool:
        """Whether a signal has requested the end of the process."""
        if not self._asked:
            self._is_read.clear()
            os.write(self._wakes, _NONE)
            self._is_read.wait()
        return self._asked != 0

    def end(self) -> None:
        """End this process by the received signal, as its parent expects; return if there was none."""
        if self.is_asked:
            signal.signal(self._asked, signal.SIG_DFL)
            os.kill(os.getpid(), self._asked)

    def _wait(self) -> None:
        while not self._asked:
            number = os.read(self._woken, 1)[0]
            if number in _SIGNALS:
                self._asked = number
                process.stop_all()
            elif number == _NONE[0]:
                self._is_read.set()
        self._is_read.set()
        threading.Timer(_PATIENCE, self._leave).start()
        while os.read(self._woken, 1)[0] not in _SIGNALS:
            self._is_read.set()
        self._leave()  # second signal

    def _leave(self) -> None:
        status_block.leave_all()
        last = threading.Thread(target=self.leaving, daemon=True)
        last.start()
        last.join(_MOMENT)
        os._exit(_BY_SIGNAL + self._asked)


def _nothing() -> None:
    pass
