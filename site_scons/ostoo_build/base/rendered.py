"""Reads diagnostics as rustc renders them, in a text without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = lazy_pattern(r"(?m)^(error|warning)(?:\[(\w+)\])?: (.*(?:\n  (?!-->|help:|\s*\d* *\|).*)*)")
"""The begin of rustc's diagnostics and of `OstooError`, whose further lines are indented by two spaces."""

_PLACE = lazy_pattern(r"(?m)^ *--> (.+?)(?::(\d+))?(?::(\d+))?$")
_SUMMARY = lazy_pattern(r"^(?:aborting due to|\d+ warnings? emitted)")


class Diagnostic(NamedTuple):
    """A diagnostic with its whole text. What it does not name is empty; `path` is as rustc shows it.

    It is no event: the console also speaks before a package is installed.
    """

    level: str
    code: str
    message: str
    path: str
    line: str
    column: str
    text: str


def read(text: str) -> Iterator[Diagnostic]:
    """Yield the diagnostics in a text, without rustc's last words about a crate."""
    found = list(_HEAD.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):  # without any there is an end all the same
        if not _SUMMARY.match(match[3]):
            place = _PLACE.search(text, match.end(), end)
            path, line, column = place.groups("") if place else ("", "", "")
            yield Diagnostic(match[1], match[2] or "", match[3], path, line, column, text[match.start() : end])
