"""Splits a TOML document into its entries, and tells the line of each key.

Python's own parser tells no lines. An entry ends where the text since the last one is a document of its own.
"""

from __future__ import annotations

import tomllib
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Key = tuple[str, ...]
"""The names from the top of a document to a value; a table of an array has its number, from 0, as name."""


class Entry(NamedTuple):
    """A key with its value, a table's header, or lines that say nothing; `line` is the first one's number, from 1."""

    line: int
    text: str
    document: dict[str, Any]


def entries(text: str, parse: Callable[[str], dict[str, Any]] = tomllib.loads) -> Iterator[Entry]:
    """Split a document that is valid. `parse` raises `ValueError` for a text that is not."""
    begun, first = "", 1
    for number, line in enumerate(StringIO(text), 1):
        begun += line
        try:
            document = parse(begun)
        except ValueError:
            continue
        yield Entry(first, begun, document)
        begun, first = "", number + 1


def lines(text: str, parse: Callable[[str], dict[str, Any]] = tomllib.loads) -> dict[Key, int]:
    """Return the line of each key and table of a document that is valid."""
    found: dict[Key, int] = {}
    last: dict[Key, int] = {}
    table: Key = ()
    for entry in entries(text, parse):
        if entry.text.lstrip().startswith("["):
            table = _header(entry.document, last)
            keys = [table]
        else:
            keys = [(*table, *key) for key, _ in leaves(entry.document)]
        found |= dict.fromkeys(keys, entry.line)
    return found


def leaves(document: Any, above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield each value that is no table or array of tables, or an empty one, with its key."""
    is_array = isinstance(document, list) and any(isinstance(each, dict) for each in document)
    inner = {str(index): each for index, each in enumerate(document)} if is_array else document
    if isinstance(inner, dict) and (inner or not above):
        for name, value in inner.items():
            yield from leaves(value, (*above, name))
    else:
        yield above, document


def _header(document: dict[str, Any], last: dict[Key, int]) -> Key:
    """Return the key of a table by its header alone. `last` has the number of each array's last table so far."""
    key: Key = ()
    while document:
        ((name, value),) = document.items()
        key = (*key, name)
        if isinstance(value, list):
            last[key] = last.get(key, -1) + 1
        if key in last:
            key = (*key, str(last[key]))
        document = value[0] if isinstance(value, list) else value
    return key
