"""Tells where each value of cargo's configuration is from, by what `cargo config get --show-origin` prints."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import toml_entries, toml_file
from ostoo_build.planning.cargo_config import comment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.base.toml_entries import Key


class Configured(Struct, frozen=True):
    """A value of the configuration; an array has one for each element, whose `key` ends with its number, from 0.

    `origin` is a file, with the line of its key where that is known, or what cargo says instead.
    """

    key: tuple[str, ...]
    value: Any
    origin: str


def read(said: str) -> Iterator[Configured]:
    """Yield the values in the output of `cargo config get --format=toml --show-origin`."""
    lines: dict[str, dict[Key, int]] = {}
    for entry in toml_entries.entries(said):
        for key, value in toml_entries.leaves(entry.document):
            for place, each, origin in _elements(entry.text, value):
                if origin not in lines:
                    lines[origin] = _lines(Path(origin))
                yield Configured((*key, *place), each, _with_line(origin, lines[origin].get(key)))


def _elements(text: str, value: Any) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """Yield a value with its origin, or the elements of an array, each in lines of its own."""
    if not isinstance(value, list) or not value:
        yield (), value, comment(text)
        return
    _, _, inner = text.partition("[\n")
    parts = toml_entries.entries(inner.rstrip().removesuffix("]"), _parse_element)
    found = (entry for entry in parts if entry.document)
    for index, (entry, each) in enumerate(zip(found, value, strict=True)):
        yield (str(index),), each, comment(entry.text, _parse_element)


def _parse_element(text: str) -> dict[str, Any]:
    (elements,) = tomllib.loads(f"_ = [\n{text}\n]").values()
    return {"_": elements} if elements else {}


def _lines(file: Path) -> dict[Key, int]:
    try:
        return toml_file.lines(file) if file.is_absolute() else {}
    except (OSError, ValueError):
        return {}


def _with_line(origin: str, line: int | None) -> str:
    return origin if line is None else f"{origin}:{line}"
