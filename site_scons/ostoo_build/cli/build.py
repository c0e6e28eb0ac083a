"""Implements `ostoo build` and `ostoo clean`: hands the arguments to SCons, which parses its own options.

It imports little: a build with nothing to do would wait for what the other verbs need.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import become, own_files
from ostoo_build.cli import project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERBS: Mapping[str, tuple[str, ...]] = {"build": (), "clean": ("-c",)}
"""Verbs that are builds, and the options of SCons that they stand for."""

_FOLDER = "-C"


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
    if at < len(arguments) and arguments[at] in VERBS:
        command = own_files.build_command([*VERBS[arguments[at]], *arguments[at + 1 :]])
        become.exec_program(command, cwd=project.root(_named(arguments[:at])))


def _named(options: Sequence[str]) -> Path:
    """Return the folder that the last `-C DIR` or `-CDIR` names, else the working folder."""
    return Path(options[-1].removeprefix(_FOLDER) if options else "")
