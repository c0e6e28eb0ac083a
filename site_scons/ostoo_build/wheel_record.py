"""Reads the list of files, with digests, that each Python package brings. Does not compare them with anything."""

from __future__ import annotations

import base64
import csv
from typing import TYPE_CHECKING

from ostoo_build import digest

if TYPE_CHECKING:
    from pathlib import Path

NAME = "RECORD"
"""The file's name in a package's `.dist-info` (Python's packaging user guide, "Recording installed projects")."""

_ALGORITHM = "sha256="


def read(record: Path) -> dict[str, digest.Hash]:
    """The names of files, as seen from the folder of packages, with their digests; not those that have none.

    Raises `OSError`, and `ValueError` for what is no such list.
    """
    try:
        rows = [(row[0], row[1]) for row in csv.reader(digest.text_of(record).splitlines())]
    except (csv.Error, IndexError) as error:
        raise ValueError(str(error)) from error
    hashed = ((name, value.removeprefix(_ALGORITHM)) for name, value in rows if value.startswith(_ALGORITHM))
    return {name: base64.urlsafe_b64decode(f"{value}=").hex() for name, value in hashed}
