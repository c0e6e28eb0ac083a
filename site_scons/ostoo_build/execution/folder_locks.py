"""Keeps folders of outputs whole while somebody reads them. Does not know who reads, nor what lies in them.

Many may read a folder at once; who makes its files anew waits for them, and keeps others out. All folders of a reader
are taken at one moment, and a reader never waits for somebody who waits: where folders are made from each other in one
direction only, nobody waits for ever.
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
    """Those of one invocation."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers: Counter[Path] = Counter()
        self._remade: set[Path] = set()

    @contextmanager
    def reading(self, folders: set[Path]) -> Iterator[None]:
        """Wait until none of the folders is being made anew; none will be until the end of the block."""
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
        """Wait until nobody reads the folder; nobody will until the end of the block."""
        with self._changed:
            self._changed.wait_for(lambda: folder not in self._remade and not self._readers[folder])
            self._remade.add(folder)
        try:
            yield
        finally:
            with self._changed:
                self._remade.discard(folder)
                self._changed.notify_all()
