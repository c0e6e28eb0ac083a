"""Verifies installed files against the `RECORD` of a Python package."""

from __future__ import annotations

import base64
import csv
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from ostoo_build.base import digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "RECORD"
"""File name in a package's `.dist-info` (Python packaging user guide, "Recording installed projects")."""

_ALGORITHM = "sha256="


def read(record: Path) -> dict[str, digest.Hash]:
    """Return the digests in a `RECORD` by file name, relative to the folder of packages.

    Files without a digest are left out. Raises `OSError`, and `ValueError` if the file is not a valid `RECORD`.
    """
    try:
        rows = [(row[0], row[1]) for row in csv.reader(digest.text_of(record).splitlines())]
    except (csv.Error, IndexError) as error:
        raise ValueError(str(error)) from error
    hashed = ((name, value.removeprefix(_ALGORITHM)) for name, value in rows if value.startswith(_ALGORITHM))
    return {name: base64.urlsafe_b64decode(f"{value}=").hex() for name, value in hashed}


def altered(folder: Path, recorded: Mapping[str, digest.Hash]) -> Path | None:
    """Return the first recorded file below a folder that differs from its record, or None."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        sound = threads.map(partial(_is, folder), recorded.items())
        return next((folder / name for name, is_sound in zip(recorded, sound, strict=True) if not is_sound), None)


def _is(folder: Path, entry: tuple[str, digest.Hash]) -> bool:
    name, sha256 = entry
    try:
        return digest.of_file(folder / name) == sha256
    except OSError:
        return False
