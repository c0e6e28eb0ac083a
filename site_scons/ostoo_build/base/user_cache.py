"""Provides the cache folder that all checkouts of a user share.

Deleting it costs time only, and so does a note that can't be written.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs

from ostoo_build.base import home, state_file
from ostoo_build.base.home import Place

_NAME = "ostoo-build"

PLANS, TOOLCHAINS = "plans", "toolchains"
"""Subfolders. Every entry has its name here, by which `cache.folder` recognises a cache."""

COMPILERS, DOCUMENTS = "compilers.json", "valid-documents.json"
"""Single files: what is known of compilers, and validated documents."""


def folder() -> Path:
    """Return the user's cache folder. Raises `OstooError` if the user has no home folder."""
    return place().path


def place() -> Place:
    """Return the user's cache folder, and what decides where it is. Raises `OstooError` as `folder` does."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    variable = "XDG_CACHE_HOME" if Path(named).is_absolute() else "HOME"
    if os.environ.get("HOME") and Path(named or "/").is_absolute():
        return Place(Path(platformdirs.user_cache_dir(_NAME)), variable)
    # platformdirs accepts an empty HOME and relative folders
    if variable == "XDG_CACHE_HOME":
        return Place(Path(named) / _NAME, variable)
    found = home.place(os.environ)
    return Place(found.path / ".cache" / _NAME, found.decided_by)


def chosen(word: str) -> Path:
    """Return the action cache's folder for a value of `cache=`."""
    return folder() if word in ("", "on", "off") else Path(word)


def note(path: Path, content: bytes) -> None:
    """Write a file with mode 0600; errors are ignored."""
    with contextlib.suppress(OSError):
        state_file.write(path, content)
