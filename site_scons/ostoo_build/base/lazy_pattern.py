"""Compiles a regular expression when it is first used: a start compiles none that it doesn't need."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast
from weakref import WeakSet


class _LazyPattern:
    """A pattern's methods and attributes. Threads that use it first at the same time find the same."""

    def __init__(self, pattern: object, flags: int) -> None:
        self._compiled_of = pattern, flags
        self._compiled: re.Pattern[Any] | None = None
        _made.add(self)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.compiled(), name)
        setattr(self, name, found)
        return found

    def compiled(self) -> re.Pattern[Any]:
        if self._compiled is None:
            pattern, flags = self._compiled_of
            self._compiled = re.compile(pattern, flags)
        return self._compiled


_made: WeakSet[_LazyPattern] = WeakSet()


def compile_all() -> None:
    """Compile the patterns of all modules that are loaded: processes that are forked then have them."""
    for each in tuple(_made):
        each.compiled()


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, but for functions of `re` that take a compiled pattern.

    A mistake in the expression is raised at its first use, so a test compiles all of them.
    """
    return cast("re.Pattern[AnyStr]", _LazyPattern(pattern, flags))
