"""Documents in each of which one value has another type than it should."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ODD: tuple[Any, ...] = (0, -1, 1.5, True, "", "x", "a\0b", "(", [], [1], ["x"], {}, {"x": 1}, [[]], [{}])


def of(document: Any) -> Iterator[Any]:
    """The document with an odd value in each place in turn; its own type is left out nowhere."""
    return (changed(document, place) for place in places(document))


def places(document: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Where `of` puts what."""
    return itertools.product(_pointers(document, ()), ODD)


def changed(document: Any, place: tuple[tuple[Any, ...], Any]) -> Any:
    pointer, odd = place
    document = copy.deepcopy(document)
    at = document
    for step in pointer[:-1]:
        at = at[step]
    at[pointer[-1]] = odd
    return document


def _pointers(value: Any, above: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    steps = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (*above, step)
        yield from _pointers(value[step], (*above, step))
