"""Implements `ostoo man`: writes the manual page of the command line, in the language of man(7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ostoo_build.base import layout
from ostoo_build.cli import examples
from ostoo_build.project.variables import VARIABLES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ostoo_build.cli.command_line import Parser

_FILES = {
    layout.DESCRIPTION: "describes the repository; it marks the top folder of a project",
    f"{layout.BUILD}/TARGET/PROFILE/PROGRAM": "a program that was built",
    layout.STATE: "state for the next build; deleting it costs time only",
}
_CODES = {"0": "success", "2": "an error of any kind; some verbs end with the code of the program that they run"}


def text(parser: Parser, version: str) -> str:
    """Return the page; `version` is that of this build."""
    return "\n".join(_lines(parser, version)) + "\n"


def _lines(parser: Parser, version: str) -> Iterator[str]:
    yield f'.TH OSTOO 1 "" "{_escaped(f"ostoo-build {version}")}"'
    yield from (".SH NAME", r"ostoo \- builds Rust programs for custom targets", ".SH SYNOPSIS")
    yield _bold(r"ostoo", r"[\-C DIR] VERB ...")
    yield from (".SH DESCRIPTION", _text(parser.description or ""), ".SH OPTIONS", *_options(parser), ".SH VERBS")
    for verb, of_verb in parser.verbs.items():
        yield f".SS {verb}"
        yield from _verb(verb, of_verb)
    yield ".SH VARIABLES"
    for name, (what, default) in VARIABLES.items():
        yield from _item(f"{name}=", f"{what}{f' (default: {default})' if default else ''}")
    for heading, items in {"EXIT STATUS": _CODES, "FILES": _FILES}.items():
        yield f".SH {heading}"
        for name, what in items.items():
            yield from _item(name, what)


def _verb(verb: str, parser: Parser) -> Iterator[str]:
    usage = re.sub(r"\s+", " ", parser.format_usage()).removeprefix("usage: ").strip()
    yield _bold(f"ostoo {verb}", _escaped(usage.removeprefix(f"ostoo {verb}").strip()))
    yield from (".PP", _text(parser.description or ""))
    yield from _options(parser)
    for word, of_word in parser.verbs.items():
        yield from _item(word, of_word.description or "")
    yield from (".PP", "Examples:")
    for words, what in examples.OF_VERBS.get(verb, {}).items():
        yield from _item(f"ostoo {words}", what)


def _options(parser: Parser) -> Iterator[str]:
    """Describe words and options in the order of help."""
    for action in parser.declared():
        if action.option_strings != ["-h", "--help"] and action.help:
            yield from _item(_named(action), action.help)


def _named(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar)
    value = "" if action.nargs == 0 else action.metavar or "|".join(map(str, action.choices or ()))
    shown = f" [{value}]" if action.nargs == "?" else f" {value}"
    return f"{', '.join(action.option_strings)}{shown if value else ''}"


def _item(name: str, what: str) -> tuple[str, str, str]:
    return ".TP", _bold(_escaped(name)), _text(what)


def _bold(*words: str) -> str:
    first, *rest = words
    return " ".join([rf"\fB{first}\fR", *rest])


def _text(words: str) -> str:
    """Return a line of text: a point or apostrophe at its begin would be a request."""
    escaped = _escaped(words)
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(words: str) -> str:
    letters = {
        "\\": r"\e",
        "-": r"\-",
        "'": r"\(aq",
        "`": r"\(ga",
        "…": "...",
        '"': r"\(dq",
        "~": r"\(ti",
        "^": r"\(ha",
    }
    return "".join(letters.get(letter, letter) for letter in words)
