"""Applies what the compiler suggests and is sure of, as rustfix does. Reads and writes no file."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SURE = "MachineApplicable"


class Replacement(Struct, frozen=True):
    """A text in place of the bytes from `start` to `end`."""

    start: int
    end: int
    text: bytes


class Suggestion(Struct, frozen=True):
    """What is to be replaced together in one file; `file` is as the compiler names it."""

    file: str
    replacements: tuple[Replacement, ...]


def of(diagnostics: Iterable[dict[str, Any]]) -> list[Suggestion]:
    """Return the suggestions that need no human, each once. What concerns several files is left out."""
    found = (made for diagnostic in diagnostics for made in _of_one(diagnostic))
    return list(dict.fromkeys(found))


def _of_one(diagnostic: dict[str, Any]) -> Iterator[Suggestion]:
    spans = [span for child in diagnostic["children"] for span in child["spans"] if _is_sure(span)]
    files = {span["file_name"] for span in spans}
    if len(files) == 1:
        made = (
            Replacement(span["byte_start"], span["byte_end"], span["suggested_replacement"].encode()) for span in spans
        )
        yield Suggestion(files.pop(), tuple(dict.fromkeys(made)))


def _is_sure(span: dict[str, Any]) -> bool:
    return span.get("suggestion_applicability") == _SURE and span.get("suggested_replacement") is not None


def applied(content: bytes, suggestions: Iterable[Suggestion]) -> bytes:
    """Return a file's content with its suggestions; one that meets an earlier one is left for the next check."""
    taken: list[Replacement] = []
    for suggestion in suggestions:
        new = [each for each in suggestion.replacements if each not in taken]
        if all(each.start <= each.end <= len(content) for each in new) and not _meet([*taken, *new]):
            taken += new
    for each in sorted(taken, key=lambda each: each.start, reverse=True):
        content = content[: each.start] + each.text + content[each.end :]
    return content


def _meet(replacements: list[Replacement]) -> bool:
    ordered = sorted(replacements, key=lambda each: (each.start, each.end))
    return any(after.start < before.end or after.start == before.start for before, after in pairwise(ordered))
