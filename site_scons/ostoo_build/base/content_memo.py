"""Remembers what was found out of contents that need not be read again. Does not know what was asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ostoo_build.base import state_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.base.digest import Hash

_MOST = 10_000
"""Answers that are kept; with more of them all are found anew."""


class Answers:
    """Yes or no, by a digest of the question and of all contents that it is about. Threads may share one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = state_file.recall_json(path)
        self._known: dict[Hash, bool] = found if isinstance(found, dict) and len(found) < _MOST else {}
        self._count = len(self._known)

    def once(self, question: Hash, find: Callable[[], bool]) -> bool:
        """Return what was found, in this invocation or another one; it is found now where nobody asked before."""
        if question not in self._known:
            self._known[question] = find()
        return self._known[question] is True

    def save(self) -> None:
        """Keep what was found for the next invocation."""
        if len(self._known) != self._count:
            state_file.write(self._path, state_file.sealed(json.dumps(self._known).encode()))
