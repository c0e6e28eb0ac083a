"""What this build itself is: another version of it may answer otherwise. Does not know what it answers.

Who keeps a result names the packages of ours, or files of them, that decide it: an edit elsewhere leaves the result.
`tests/unit/test_imports.py` holds those names against what is imported.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from ostoo_build.base import digest

_FOLDER = Path(__file__).parents[1]

_PINS = _FOLDER.parents[1] / "requirements.txt"
"""The packages that do a part of the work: a disassembler, an ELF reader, a schema's judge."""

_KINDS = frozenset({".py", ".ld", ".html", ".sh"})


def digest_of(*names: str) -> digest.Hash:
    """Changes with each edit of these packages or files of ours, and with the packages that they use."""
    return digest.of_json([*map(_digest_of, names), _digest_of(os.path.relpath(_PINS, _FOLDER))])


@cache
def _digest_of(name: str) -> digest.Hash:
    """Most results hang on the same packages: each is read once."""
    files = sorted(_files(_FOLDER / name))
    return digest.of_json([(os.path.relpath(file, _FOLDER), digest.of_file(file)) for file in files])


def _files(place: Path) -> list[Path]:
    return [file for file in place.rglob("*") if file.suffix in _KINDS] if place.is_dir() else [place]
