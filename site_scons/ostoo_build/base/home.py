"""Finds the user's home folder as rustup and cargo do, and tells what decides where folders are."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Place(NamedTuple):
    """A folder; `decided_by` is the environment variable that decides where it is, or `OF_USER`."""

    path: Path
    decided_by: str


OF_USER = "the user's entry in passwd"


def place(environ: Mapping[str, str]) -> Place:
    """Return HOME if it is set, else the home folder in the user's passwd entry.

    Raises `OstooError` if there is neither.
    """
    if environ.get("HOME"):
        return Place(Path(environ["HOME"]), "HOME")
    try:
        entry = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        entry = ""
    if not entry:
        raise OstooError(f"the user {os.getuid()} has no home folder", remedy="set HOME")
    return Place(Path(entry), OF_USER)


def folder(environ: Mapping[str, str]) -> Path:
    """Return the user's home folder. Raises `OstooError` as `place` does."""
    return place(environ).path


def rustup(environ: Mapping[str, str]) -> Path:
    """Return the folder of rustup's toolchains (rustup's book, "Environment variables")."""
    return rustup_place(environ).path


def rustup_place(environ: Mapping[str, str]) -> Place:
    return _named(environ.get("RUSTUP_HOME"), "RUSTUP_HOME") or _below(place(environ), ".rustup")


def cargo(environ: Mapping[str, str]) -> Path:
    """Return the folder of cargo's downloaded crates (cargo's reference, "Cargo Home")."""
    return cargo_place(environ).path


def cargo_place(environ: Mapping[str, str]) -> Place:
    return _named(environ.get("CARGO_HOME"), "CARGO_HOME") or _below(place(environ), ".cargo")


def _named(value: str | None, variable: str) -> Place | None:
    return Place(Path(value), variable) if value else None


def _below(home: Place, name: str) -> Place:
    return Place(home.path / name, home.decided_by)
