"""Caches what one invocation reads, so that each file is read once.

Otherwise files that a thousand programs share would be read a thousand times. To see later changes, create a new
`Snapshot`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

Value = TypeVar("Value")


class Snapshot:
    """Values by key. Threads may share one.

    Two threads that ask at the same time may both compute the value, and get an equal one.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return the value of `key`, which the first call computes."""
        if key not in self._values:
            self._values[key] = compute()
        value: Value = self._values[key]
        return value

    def __iter__(self) -> Iterator[Hashable]:
        """Return all keys that have a value by now."""
        return iter(list(self._values))
