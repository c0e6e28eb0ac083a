"""Tells a folder of cargo's outputs from one of sources. Imports what Python has loaded anyway: `null_build` asks."""

from __future__ import annotations

import os


def is_target(folder: str) -> bool:
    """Whether a folder is cargo's: full of files, none of them an input."""
    return os.path.exists(f"{folder}/CACHEDIR.TAG")  # noqa: PTH110 - no pathlib here
