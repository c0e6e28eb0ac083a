"""Verifies installed files against the `RECORD` of a Python package."""

from __future__ import annotations

import base64
import csv
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
    """Return the first recorded file below a folder that differs from its record, or None.

    In one thread: a package has thousands of small files, of which threads would mostly wait for each other.
    """
    return next((folder / name for name, sha256 in recorded.items() if not _is(folder / name, sha256)), None)


def _is(path: Path, sha256: digest.Hash) -> bool:
    try:
        return digest.of_file(path) == sha256
    except OSError:
        return False
