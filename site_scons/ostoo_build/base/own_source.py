"""Hashes this build's own source code, which is part of the key of plans and checks.

The owner of a cached result names the packages or files that decide it, so an edit elsewhere keeps the result.
`tests/unit/test_imports.py` compares these names with the actual imports.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from ostoo_build.base import digest, own_files

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = own_files.PACKAGE

_KINDS = frozenset({".py", ".html", ".sh", ".json"})


def digest_of(*names: str) -> digest.Hash:
    """Hash the named packages or files of `ostoo_build`, and the versions of the third-party packages that they use.

    These are the disassembler, the ELF reader, the schema validator. Equal code in the repository and installed from a
    wheel has equal digests.
    """
    return digest.of_json([*map(_digest_of, names), _versions()])


@cache
def _digest_of(name: str) -> digest.Hash:
    """Cached: most results depend on the same packages."""
    files = sorted(_files(_FOLDER / name))
    return digest.of_json([(os.path.relpath(file, _FOLDER), digest.of_file(file)) for file in files])


@cache
def _versions() -> digest.Hash:
    return digest.of_file(own_files.requirements())


def _files(place: Path) -> list[Path]:
    return [file for file in place.rglob("*") if file.suffix in _KINDS] if place.is_dir() else [place]
