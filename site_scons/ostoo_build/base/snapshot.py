"""Remembers for the length of one look what was seen, so that each thing is looked at once. Does not look again.

What a thousand programs share would else be read a thousand times. Whoever wants to know of later changes takes a new
look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

Seen = TypeVar("Seen")


class Look:
    """Threads may share one: two that ask at once may both see, and see the same."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, Any] = {}

    def once(self, what: Hashable, see: Callable[[], Seen]) -> Seen:
        """Return what was seen of `what`; it is seen now where nobody asked before."""
        if what not in self._seen:
            self._seen[what] = see()
        found: Seen = self._seen[what]
        return found

    def seen(self) -> list[Hashable]:
        """All that was asked for."""
        return list(self._seen)
