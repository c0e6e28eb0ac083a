"""Says what a command line takes, as names with meanings: the manual page and the reference of the site show them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ostoo_build.base import layout

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ostoo_build.cli.command_line import Parser

FILES = {
    layout.DESCRIPTION: "describes the repository; it marks the top folder of a project",
    f"{layout.BUILD}/TARGET/PROFILE/PROGRAM": "a program that was built",
    layout.STATE: "state for the next build; deleting it costs time only",
}
"""The files that a user meets."""

CODES = {
    "0": "success",
    "2": "an error of any kind; some verbs end with the code of the program that they run",
}
"""The exit codes of builds and verbs."""


def usage(parser: Parser) -> str:
    """Return how a verb is typed, in one line."""
    return re.sub(r"\s+", " ", parser.format_usage()).removeprefix("usage: ").strip()


def taken(parser: Parser) -> Iterator[tuple[str, str]]:
    """Yield the words and options of a verb as they are typed, each with its meaning, in the order of help."""
    for action in parser.declared():
        if action.option_strings != ["-h", "--help"] and action.help:
            yield _typed(action), action.help


def _typed(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar)
    value = "" if action.nargs == 0 else action.metavar or "|".join(map(str, action.choices or ()))
    shown = f" [{value}]" if action.nargs == "?" else f" {value}"
    return f"{', '.join(action.option_strings)}{shown if value else ''}"
