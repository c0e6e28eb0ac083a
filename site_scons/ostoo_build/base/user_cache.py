"""Provides the cache folder that all checkouts of a user share.

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
"""Subfolders. Every entry has its name here, by which `cache.folder` recognises a cache."""

COMPILERS, DOCUMENTS = "compilers.json", "valid-documents.json"
"""Single files: what is known of compilers, and validated documents."""


def folder() -> Path:
    """Return the user's cache folder. Raises `OstooError` if the user has no home folder."""
    if os.environ.get("HOME") and Path(os.environ.get("XDG_CACHE_HOME") or "/").is_absolute():
        return Path(platformdirs.user_cache_dir(_NAME))
    # platformdirs accepts an empty HOME and relative folders
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else home.folder(os.environ) / ".cache") / _NAME


def chosen(word: str) -> Path:
    """Return the action cache's folder for a value of `cache=`."""
    return folder() if word in ("", "on", "off") else Path(word)


def note(path: Path, content: bytes) -> None:
    """Write a file with mode 0600; errors are ignored."""
    with contextlib.suppress(OSError):
        state_file.write(path, content)
