"""Hashes this build's own source code, which is part of the key of plans and checks.

The owner of a cached result names the packages or files that decide it, so an edit elsewhere keeps the result.
`tests/unit/test_imports.py` compares these names with the actual imports.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from ostoo_build.base import digest

_FOLDER = Path(__file__).parents[1]

_PINS = _FOLDER.parents[1] / "requirements.txt"
"""Third-party packages that take part in results: disassembler, ELF reader, schema validator."""

_KINDS = frozenset({".py", ".ld", ".html", ".sh"})


def digest_of(*names: str) -> digest.Hash:
    """Hash the named packages or files of `ostoo_build`, and the versions of the third-party packages that they use."""
    return digest.of_json([*map(_digest_of, names), _digest_of(os.path.relpath(_PINS, _FOLDER))])


@cache
def _digest_of(name: str) -> digest.Hash:
    """Cached: most results depend on the same packages."""
    files = sorted(_files(_FOLDER / name))
    return digest.of_json([(os.path.relpath(file, _FOLDER), digest.of_file(file)) for file in files])


def _files(place: Path) -> list[Path]:
    return [file for file in place.rglob("*") if file.suffix in _KINDS] if place.is_dir() else [place]
