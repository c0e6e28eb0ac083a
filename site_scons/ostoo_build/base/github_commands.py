"""Writes diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a change.

The form is `::error file=a.rs,line=1,col=2,title=E0308::message` (GitHub's "Workflow commands for GitHub Actions").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ostoo_build.base.rendered import Diagnostic

_OF_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_OF_PROPERTIES = {**_OF_MESSAGES, ":": "%3A", ",": "%2C"}


class Place(NamedTuple):
    """The folder from which diagnostics name files, and its path in the repository that GitHub Actions builds."""

    folder: str
    within: str


def place(environ: Mapping[str, str], folder: str) -> Place | None:
    """Return the place of a folder; None outside of GitHub Actions."""
    return of_folder(environ, folder) if environ.get("GITHUB_ACTIONS") == "true" else None


def of_folder(environ: Mapping[str, str], folder: str) -> Place:
    """Return the place of a folder. Outside of GitHub Actions the folder counts as the top of the repository."""
    workspace = environ.get("GITHUB_WORKSPACE", folder)
    return Place(folder, os.path.relpath(folder, workspace) if f"{folder}/".startswith(f"{workspace}/") else ".")


def commands(diagnostics: Iterable[Diagnostic], here: Place) -> Iterator[str]:
    """Yield a command for each diagnostic; files are named from the repository's top."""
    for each in diagnostics:
        properties = {**_properties(each, here), "title": each.code}
        told = ",".join(f"{name}={_escaped(value, _OF_PROPERTIES)}" for name, value in properties.items() if value)
        yield f"::{each.level}{told and f' {told}'}::{_escaped(each.message, _OF_MESSAGES)}\n"


def _properties(found: Diagnostic, here: Place) -> dict[str, str]:
    """Return what names the place; nothing for one that is no file of the repository."""
    if not found.path or found.path.startswith("/") or not os.path.isfile(f"{here.folder}/{found.path}"):  # noqa: PTH113 - a text
        return {}
    return {"file": os.path.normpath(f"{here.within}/{found.path}"), "line": found.line, "col": found.column}


def _escaped(text: str, letters: Mapping[str, str]) -> str:
    return "".join(letters.get(letter, letter) for letter in text)
