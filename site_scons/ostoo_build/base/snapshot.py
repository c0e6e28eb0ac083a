"""Caches what one invocation reads, so that each file is read once.

Otherwise files that a thousand programs share would be read a thousand times. To see later changes, create a new
`Look`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Seen = TypeVar("Seen")


class Look:
    """Values by key. Threads may share one.

    Two threads that ask at the same time may both compute the value, and get an equal one.
    """

    def __init__(self) -> None:
        self._seen: dict[Hashable, Any] = {}

    def once(self, what: Hashable, see: Callable[[], Seen]) -> Seen:
        """Return the value for `what`, computed by `see` on the first call."""
        if what not in self._seen:
            self._seen[what] = see()
        found: Seen = self._seen[what]
        return found

    def seen(self) -> list[Hashable]:
        """Return all keys."""
        return list(self._seen)
