"""Performs a command line of `ostoo [-C DIR] VERB`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ostoo_build.base import streams
from ostoo_build.base.console import complain
from ostoo_build.base.errors import told
from ostoo_build.cli import build, command_line
from ostoo_build.cli import verbs as performed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.cli.command_line import Parser

FAILED = 2
"""The exit code of an error, as for builds; 1 could be the program's own."""

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, as in shells."""


def main(arguments: list[str]) -> int:
    """Run a command line and return the exit code."""
    at = build.verb_at(arguments)
    first, words = arguments[:at], arguments[at:]
    parser = command_line.parser()
    if words in ([], ["help"]):
        parser.print_help()
        return 0
    if words[0] == "help":
        words = [*words[1:], "--help"]
    try:
        if words == ["--version"]:
            return _version()
        build.start([*first, *words])
        with performed.display():
            code = _perform(parser, first, words)
    except Exception as error:
        message = told(error)
        if message is None:
            raise
        if not streams.complaint():
            complain(message)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code or 0


def _perform(parser: Parser, first: Sequence[str], words: list[str]) -> int | None:
    if words[0].startswith("-") and words[0] not in parser.options():
        raise parser.refusal(words[:1])
    if words[0] in build.VERBS:
        return _build(parser, first, words)
    own, behind = _split(words)
    # test executables without a harness get the arguments after `--` unchanged
    ours = [*own, *behind] if words[0] == "test" else own
    chosen, late = parser.parse_known_args([*first, *ours], argparse.Namespace(arguments=behind))
    unknown = [word for word in late if word.startswith("-")]
    if late and (words[0] != "test" or not set(unknown) <= set(behind)):
        raise parser.verbs[words[0]].refusal(late)
    chosen.late, chosen.unknown = [word for word in late if word not in unknown], unknown
    code: int | None = getattr(performed, chosen.perform)(chosen)
    return code


def _build(parser: Parser, first: Sequence[str], words: list[str]) -> int | None:
    """Perform a build whose messages have a form; SCons parses all else."""
    form, others = build.form_in(words[1:])
    chosen = parser.parse_args([*first, words[0], *(form or others)])
    return performed.build_with_messages(chosen, build.handed_on(words[0], others))


def _version() -> int:
    from ostoo_build.base import own_version  # noqa: PLC0415 - each verb loads what it needs itself

    sys.stdout.write(own_version.text())
    return 0


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Split a verb's words at `--` into our own and the program's."""
    if words[0] not in ("clippy", "gdb", "run", "test", "watch") or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]
