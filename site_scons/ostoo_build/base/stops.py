"""Ends an invocation at once where a signal asks for it: what runs is ended, what was finished is kept.

Signal handlers of Python run in the main thread, which may wait for a lock meanwhile, and SCons installs its own for a
part of its life. So another thread is woken here, by `signal.set_wakeup_fd` (Python's documentation of `signal`).
"""

from __future__ import annotations

import os
import signal
import threading

from ostoo_build.base import process

_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

_PATIENCE = 0.4
"""Seconds for what is finished to be written down. Nothing is lost but time where that is not enough."""

_NONE = b"\0"
"""What a question looks like among the numbers of signals."""

_BY_SIGNAL = 128
"""What shells add to the number of a signal that ended a program."""


class Stops:
    """Heeds signals from now on. To be made in the main thread."""

    def __init__(self) -> None:
        self._asked = 0
        self._is_read = threading.Event()
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        threading.Thread(target=self._heed, daemon=True).start()

    @property
    def is_asked(self) -> bool:
        """Whether a signal asked to end until now."""
        if not self._asked:
            self._is_read.clear()
            os.write(self._wakes, _NONE)
            self._is_read.wait()
        return self._asked != 0

    def end(self) -> None:
        """End this process as whoever started it expects of the signal; return where there was none."""
        if self.is_asked:
            signal.signal(self._asked, signal.SIG_DFL)
            os.kill(os.getpid(), self._asked)

    def _heed(self) -> None:
        while not self._asked:
            number = os.read(self._woken, 1)[0]
            if number in _SIGNALS:
                self._asked = number
                process.stop_all()
            elif number == _NONE[0]:
                self._is_read.set()
        self._is_read.set()
        threading.Timer(_PATIENCE, os._exit, (_BY_SIGNAL + self._asked,)).start()
        while os.read(self._woken, 1)[0] not in _SIGNALS:
            self._is_read.set()
        os._exit(_BY_SIGNAL + self._asked)  # asked twice
