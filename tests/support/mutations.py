"""Documents in each of which one value has another type than it should."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ODD: tuple[Any, ...] = (0, -1, 1.5, True, "", "x", "a\0b", "(", [], [1], ["x"], {}, {"x": 1}, [[]], [{}])


def of(document: Any) -> Iterator[Any]:
    """The document with an odd value in each place in turn; its own type is left out nowhere."""
    for pointer in _pointers(document, ()):
        for odd in ODD:
            changed = copy.deepcopy(document)
            at = changed
            for step in pointer[:-1]:
                at = at[step]
            at[pointer[-1]] = odd
            yield changed


def _pointers(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    steps = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (*above, step)
        yield from _pointers(value[step], (*above, step))
