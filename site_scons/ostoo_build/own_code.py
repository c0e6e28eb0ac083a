"""What this build itself is: another version of it may answer otherwise. Does not know what it answers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import digest

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDER = Path(__file__).parent

_PINS = _FOLDER.parents[1] / "requirements.txt"
"""The packages that do a part of the work: a disassembler, an ELF reader, a schema's judge."""


@cache
def own_digest() -> digest.Hash:
    """Changes with each edit of this package, and with the packages that it uses."""
    sources = sorted((*_FOLDER.rglob("*.py"), *_FOLDER.rglob("*.ld")))
    found = [(source.relative_to(_FOLDER).as_posix(), digest.of_file(source)) for source in sources]
    return digest.of_json([*found, digest.of_file(_PINS)])


def digest_of_files(names: Iterable[str]) -> digest.Hash:
    """Changes with each edit of these files of this package, and with the packages that it uses."""
    return digest.of_json([digest.of_file(path) for path in (*(_FOLDER / name for name in names), _PINS)])
