"""Implements `ostoo build`, `ostoo clean`, and `ostoo check` and `clippy` of programs: hands the arguments to SCons.

It imports little: a build with nothing to do would wait for what the other verbs need.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import become, cargo_options, layout, own_files
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERBS: Mapping[str, tuple[str, ...]] = {"build": (), "clean": ("-c",)}
"""Verbs that are builds, and the options of SCons that they stand for."""

_CHECKS = (layout.CHECK, layout.CLIPPY)

_FOLDER = "-C"

_HELP = frozenset({"-h", "--help"})
"""A verb's own; `-H` is that of SCons."""

_FORM, _EVENTS = "--message-format", "--events"

_QUIET, _VERBOSE = "--silent", "--verbose"
_SHOWN = {"-q": _QUIET, "--quiet": _QUIET, "-v": _VERBOSE, "--verbose": _VERBOSE}
"""Options that say how much is shown: to SCons, `-q` is a question and `-v` its version."""

_BUNDLED = frozenset("cknqsv")
"""Letters of options that may stand in one word."""


def verb_at(arguments: Sequence[str]) -> int:
    """Return the index of the verb: `-C DIR` may stand before it."""
    at = 0
    while at < len(arguments) and arguments[at].startswith(_FOLDER):
        at += 1 if len(arguments[at]) > len(_FOLDER) else 2
    return at


def start(arguments: Sequence[str]) -> None:
    """Replace this process by a build, if the arguments ask for one.

    Raises `OstooError` if there is no project, or the build can't be started.
    """
    at = verb_at(arguments)
    verb, words = "".join(arguments[at : at + 1]), arguments[at + 1 :]
    if not _HELP.isdisjoint(words) or (verb in VERBS and form_in(words)[0]):
        return
    asked = handed_on(verb, words) if verb in VERBS else _checks(verb, words) if verb in _CHECKS else []
    if verb in VERBS or asked:
        become.exec_program(own_files.build_command(asked), cwd=project.root(_named(arguments[:at])))


def shown(*, quiet: bool, verbose: int) -> tuple[str, ...]:
    """Return SCons' options for a verb's `-q` and `-v`, which may be given twice."""
    return (*([_QUIET] if quiet else []), *([_VERBOSE] * verbose))


def form_in(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate a form of messages that is asked for, as it is asked for, from the other words."""
    return _option_in(_FORM, words)


def _option_in(name: str, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the words of an option with a value from the others."""
    at = next((at for at, word in enumerate(words) if word.partition("=")[0] == name), len(words))
    end = at + (1 if "=" in "".join(words[at : at + 1]) else 2)
    return [*words[at:end]], [*words[:at], *words[end:]]


def handed_on(verb: str, words: Sequence[str]) -> list[str]:
    """Return SCons' arguments for a verb that is a build. SCons works at the top, so files are named by whole paths.

    Raises `OstooError` for an option of cargo's: to SCons some mean something else, and a value would be a program.
    """
    for option in (word.partition("=")[0] for word in words):
        if option in cargo_options.INSTEAD:
            raise OstooError(f"ostoo {verb} does not know {option}", remedy=cargo_options.INSTEAD[option])
    file, others = _option_in(_EVENTS, words)
    if file != [_EVENTS]:  # else SCons says that it needs a value
        file = [f"{_EVENTS}={os.path.abspath(word.removeprefix(f'{_EVENTS}='))}" for word in file[-1:]]  # noqa: PTH100 - a text
    return [*VERBS[verb], *(option for word in others for option in _handed_on(word)), *file]


def _handed_on(word: str) -> list[str]:
    letters = word[1:] if word.startswith("-") and _BUNDLED.issuperset(word[1:]) else ""
    options = [f"-{letter}" for letter in letters] or [word]
    return [_SHOWN.get(option, option) for option in options]


def _checks(verb: str, words: Sequence[str]) -> list[str]:
    """Return SCons' arguments for a check that only names programs and says nothing of a form; else none."""
    if not any(map(is_program, words)) or not all(word == "-k" or is_program(word) or "=" in word for word in words):
        return []
    return [layout.part(word, verb) if is_program(word) else word for word in words]


def is_program(word: str) -> bool:
    """Whether a word can only be a program's name: labels of crates have blanks or an `@`."""
    return not word.startswith("-") and not {" ", "@", "="}.intersection(word)


def _named(options: Sequence[str]) -> Path:
    """Return the folder that the last `-C DIR` or `-CDIR` names, else the working folder."""
    return Path(options[-1].removeprefix(_FOLDER) if options else "")
