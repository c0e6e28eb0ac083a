"""What all checkouts of a user share: a folder, and small notes in it. Does not know what they are about.

Deleting it costs time only, and so does a note that can't be written.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import platformdirs

from ostoo_build import state_file


def folder() -> Path:
    return Path(platformdirs.user_cache_dir("ostoo-build"))


def chosen(word: str) -> Path:
    """The action cache's folder, as `cache=` names it."""
    return folder() if word in ("", "on", "off") else Path(word)


def note(path: Path, content: bytes) -> None:
    """Write a note down that only its user may read, if that is possible here."""
    with contextlib.suppress(OSError):
        state_file.write(path, content)
