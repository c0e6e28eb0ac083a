"""Compiles a regular expression when it is first used: a start compiles none that it doesn't need."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _LazyPattern:
    """A pattern's methods and attributes. Threads that use it first at the same time find the same."""

    def __init__(self, pattern: object, flags: int) -> None:
        self._compiled_of = pattern, flags

    def __getattr__(self, name: str) -> Any:
        pattern, flags = self._compiled_of
        found = getattr(re.compile(pattern, flags), name)  # type: ignore[call-overload]  # as it was given to us
        setattr(self, name, found)
        return found


def lazy_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, but for functions of `re` that take a compiled pattern.

    A mistake in the expression is raised at its first use, so a test compiles all of them.
    """
    return cast("re.Pattern[AnyStr]", _LazyPattern(pattern, flags))
