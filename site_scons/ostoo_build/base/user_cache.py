"""What all checkouts of a user share: a folder, and small notes in it. Does not know what they are about.

Deleting it costs time only, and so does a note that can't be written.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import platformdirs

from ostoo_build.base import home, state_file

_NAME = "ostoo-build"

PLANS, TOOLCHAINS = "plans", "toolchains"
"""Folders of notes. All that checkouts leave there has its name here: `cache.folder` knows its own by them."""

COMPILERS, DOCUMENTS = "compilers.json", "valid-documents.json"
"""Single notes: what compilers say of themselves, and documents that were held against their schema."""


def folder() -> Path:
    """Raises `OstooError` where the user has no home folder."""
    if os.environ.get("HOME") and Path(os.environ.get("XDG_CACHE_HOME") or "/").is_absolute():
        return Path(platformdirs.user_cache_dir(_NAME))
    # platformdirs takes an empty HOME, and a relative folder, for what they say
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else home.folder(os.environ) / ".cache") / _NAME


def chosen(word: str) -> Path:
    """The action cache's folder, as `cache=` names it."""
    return folder() if word in ("", "on", "off") else Path(word)


def note(path: Path, content: bytes) -> None:
    """Write a note down that only its user may read, if that is possible here."""
    with contextlib.suppress(OSError):
        state_file.write(path, content)
