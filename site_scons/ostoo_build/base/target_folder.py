"""Recognises cargo's `target` folders. Imports only modules that Python has already loaded, for `null_build`."""

from __future__ import annotations

import os


def is_target(folder: str) -> bool:
    """Whether a folder is cargo's output folder: it has many files, none of which is an input."""
    return os.path.exists(f"{folder}/CACHEDIR.TAG")  # noqa: PTH110 - no pathlib here
