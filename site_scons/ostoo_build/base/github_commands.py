"""Writes diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a change.

The form is `::error file=a.rs,line=1,col=2,title=E0308::message` (GitHub's "Workflow commands for GitHub Actions").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from re import Match

_HEAD = lazy_pattern(r"(?m)^(error|warning)(?:\[(\w+)\])?: (.*(?:\n  (?!-->|help:|\s*\d* *\|).*)*)")
"""The begin of rustc's diagnostics and of `OstooError`, whose further lines are indented by two spaces."""

_PLACE = lazy_pattern(r"(?m)^ *--> (.+?)(?::(\d+))?(?::(\d+))?$")
_SUMMARY = lazy_pattern(r"^(?:aborting due to|\d+ warnings? emitted)")
_OF_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_OF_PROPERTIES = {**_OF_MESSAGES, ":": "%3A", ",": "%2C"}


class Place(NamedTuple):
    """The folder from which diagnostics name files, and its path in the repository that GitHub Actions builds."""

    folder: str
    within: str


def place(environ: Mapping[str, str], folder: str) -> Place | None:
    """Return the place of a folder; None outside of GitHub Actions."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return None
    workspace = environ.get("GITHUB_WORKSPACE", folder)
    return Place(folder, os.path.relpath(folder, workspace) if f"{folder}/".startswith(f"{workspace}/") else ".")


def commands(text: str, here: Place) -> Iterator[str]:
    """Yield a command for each diagnostic in a text without colours; files are named from the repository's top."""
    found = list(_HEAD.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):  # without any there is an end all the same
        if _SUMMARY.match(match[3]):
            continue
        found_at = _PLACE.search(text, match.end(), end)
        properties = {**(_properties(found_at, here) if found_at else {}), "title": match[2] or ""}
        told = ",".join(f"{name}={_escaped(value, _OF_PROPERTIES)}" for name, value in properties.items() if value)
        yield f"::{match[1]}{told and f' {told}'}::{_escaped(match[3], _OF_MESSAGES)}\n"


def _properties(found_at: Match[str], here: Place) -> dict[str, str]:
    """Return what names the place; nothing for one that is no file of the repository."""
    path, line, column = found_at.groups("")
    if path.startswith("/") or not os.path.isfile(f"{here.folder}/{path}"):  # noqa: PTH113 - a text
        return {}
    return {"file": os.path.normpath(f"{here.within}/{path}"), "line": line, "col": column}


def _escaped(text: str, letters: Mapping[str, str]) -> str:
    return "".join(letters.get(letter, letter) for letter in text)
