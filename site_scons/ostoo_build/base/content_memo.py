"""Caches yes-or-no answers that depend on file contents only, across invocations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ostoo_build.base import state_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.base.digest import Hash

_MOST = 10_000
"""Maximum number of stored answers; a file with more is discarded."""


class ContentMemo:
    """Booleans by the digest of a question, which covers all contents that the answer depends on. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = state_file.recall_json(path)
        self._known: dict[Hash, bool] = found if isinstance(found, dict) and len(found) < _MOST else {}
        self._count = len(self._known)

    def get(self, question: Hash, find: Callable[[], bool]) -> bool:
        """Return the stored answer to `question`, from this invocation or an earlier one, or compute and store it."""
        if question not in self._known:
            self._known[question] = find()
        return self._known[question] is True

    def save(self) -> None:
        """Write the answers to the file for the next invocation."""
        if len(self._known) != self._count:
            state_file.write(self._path, state_file.sealed(json.dumps(self._known).encode()))
