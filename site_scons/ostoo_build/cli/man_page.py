"""Implements `ostoo man`: writes the manual page of the command line, in the language of man(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.cli import described, examples
from ostoo_build.project.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.cli.command_line import Parser


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
    for heading, items in {"EXIT STATUS": described.CODES, "FILES": described.FILES}.items():
        yield f".SH {heading}"
        for name, what in items.items():
            yield from _item(name, what)


def _verb(verb: str, parser: Parser) -> Iterator[str]:
    yield _bold(f"ostoo {verb}", _escaped(described.usage(parser).removeprefix(f"ostoo {verb}").strip()))
    yield from (".PP", _text(parser.description or ""))
    yield from _options(parser)
    for word, of_word in parser.verbs.items():
        yield from _item(word, of_word.description or "")
    yield from (".PP", "Examples:")
    for words, what in examples.OF_VERBS.get(verb, {}).items():
        yield from _item(f"ostoo {words}", what)


def _options(parser: Parser) -> Iterator[str]:
    for name, what in described.taken(parser):
        yield from _item(name, what)


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
