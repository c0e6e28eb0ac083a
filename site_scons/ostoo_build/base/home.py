"""Finds the user's home folder as rustup and cargo do."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping


def folder(environ: Mapping[str, str]) -> Path:
    """Return HOME if it is set, else the home folder in the user's passwd entry.

    Raises `OstooError` if there is neither.
    """
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        entry = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        entry = ""
    if not entry:
        raise OstooError(f"the user {os.getuid()} has no home folder", remedy="set HOME")
    return Path(entry)


def rustup(environ: Mapping[str, str]) -> Path:
    """Return the folder of rustup's toolchains (rustup's book, "Environment variables")."""
    return Path(environ.get("RUSTUP_HOME") or folder(environ) / ".rustup")


def cargo(environ: Mapping[str, str]) -> Path:
    """Return the folder of cargo's downloaded crates (cargo's reference, "Cargo Home")."""
    return Path(environ.get("CARGO_HOME") or folder(environ) / ".cargo")
