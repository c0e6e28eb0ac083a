"""Names where this build's own files are: in a checkout of its repository, or installed from its wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = Path(__file__).parents[1]
INTERFACE = PACKAGE.with_name("ostoo_scons")
"""The interface to SCons, which the logic starts as a program and never imports."""

CODE = (PACKAGE, INTERFACE)

ORIGIN = "origin.json"
"""Name of the file, in the package of a wheel and at the top of an sdist, that tells what they are made of."""

_REPOSITORY = PACKAGE.parents[1]
_STARTER = PACKAGE / "starter"
"""The wheel has copies of the repository's files there; `pyproject.toml` lists them."""


def build_command(arguments: Sequence[str]) -> list[str]:
    """Return the command that builds the working folder with SCons' arguments."""
    return [sys.executable, "-S", "-P", str(INTERFACE / "start.py"), *arguments]


def build_words(root: Path) -> str:
    """Return the command that builds, as a user types it at the top of a project."""
    return "./sconsw" if repository() == root else "ostoo build"


def verbs_program(root: Path) -> str:
    """Return the program with the verbs, for a project in `root`."""
    return str(root / "ostoo") if repository() == root else "ostoo"


def is_installed() -> bool:
    """Whether the code is from a wheel. Else it is in its repository."""
    return _STARTER.is_dir()


def starter() -> Path:
    """Return the folder whose `targets` and `user-rs` a new project begins with."""
    return _STARTER if is_installed() else _REPOSITORY


def requirements() -> Path:
    """Return the file with the versions of the third-party packages."""
    return (PACKAGE if is_installed() else _REPOSITORY) / "requirements.txt"


def repository() -> Path | None:
    """Return the top folder of the repository that the code is in; None if it is installed."""
    return None if is_installed() else _REPOSITORY
