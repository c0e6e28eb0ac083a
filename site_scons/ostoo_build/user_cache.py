"""What all checkouts of a user share: a folder, and small notes in it. Does not know what they are about.

Deleting it costs time only, and so does a note that can't be written.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import platformdirs

from ostoo_build.source_tree import write_atomically


def folder() -> Path:
    return Path(platformdirs.user_cache_dir("ostoo-build"))


def chosen(word: str) -> Path:
    """The action cache's folder, as `cache=` names it."""
    return folder() if word in ("", "on", "off") else Path(word)


def note(path: Path, content: bytes) -> None:
    """Write a note down, if that is possible here."""
    with contextlib.suppress(OSError):
        write_atomically(path, content)
