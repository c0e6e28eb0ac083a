"""Reader-writer locks for output folders: a folder is not rebuilt while an action reads it.

A reader takes all of its folders at once, and never waits for another waiting thread. As folders depend on each other
in one direction only, there is no deadlock.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FolderLocks:
    """The locks of one invocation."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers: Counter[Path] = Counter()
        self._remade: set[Path] = set()

    @contextmanager
    def reading(self, folders: set[Path]) -> Iterator[None]:
        """Wait until none of the folders is being rebuilt, and prevent that until the block ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._remade.isdisjoint(folders))
            self._readers.update(folders)
        try:
            yield
        finally:
            with self._changed:
                self._readers.subtract(folders)
                self._changed.notify_all()

    @contextmanager
    def remaking(self, folder: Path) -> Iterator[None]:
        """Wait until no action reads the folder, and prevent that until the block ends."""
        with self._changed:
            self._changed.wait_for(lambda: folder not in self._remade and not self._readers[folder])
            self._remade.add(folder)
        try:
            yield
        finally:
            with self._changed:
                self._remade.discard(folder)
                self._changed.notify_all()
