"""Writes the events of a build to a file, one in a line of JSON, for `--events`."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import msgspec

from ostoo_build.base.errors import OstooError
from ostoo_build.base.events import BuildEnded

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.events import Event

_MODE = 0o600
"""Commands have an environment, which may hold secrets."""


class EventFile:
    """A listener that writes each event at once, up to the end of the build.

    `failure` is why the last events are not in the file, None while all are.
    """

    def __init__(self, path: Path) -> None:
        """Begin the file anew. Raises `OstooError` if that is impossible."""
        self.path = path
        self.failure: OSError | None = None
        self._lock = threading.Lock()
        self._is_over = False
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
        except OSError as error:
            what = f"can't write events to {path}: {error.strerror}"
            raise OstooError(what, remedy="name a file that can be written: --events FILE") from error

    def __call__(self, at: float, event: Event) -> None:
        line = json.dumps({"at": round(at, 6), **msgspec.to_builtins(event)}).encode() + b"\n"
        with self._lock:
            if self._is_over:
                return
            self._is_over = isinstance(event, BuildEnded)
            try:
                self._write(line)
            except OSError as error:  # the build does not fail for it
                self.failure, self._is_over = error, True

    def _write(self, line: bytes) -> None:
        left = memoryview(line)
        while left:
            left = left[os.write(self._descriptor, left) :]
