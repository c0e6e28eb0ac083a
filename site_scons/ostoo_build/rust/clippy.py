"""What clippy reads besides sources, and how it takes its arguments. Knows nothing of units."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONFIGURATION = "CLIPPY_CONF_DIR"
"""The variable with the folder in which clippy begins to look for its configuration."""

ARGUMENTS = "CLIPPY_ARGS"
_END = "__CLIPPY_HACKERY__"
"""Ends each argument in that variable."""

_NAMES = (".clippy.toml", "clippy.toml")


def joined(arguments: Iterable[str]) -> str:
    """Return arguments as the value of the variable `ARGUMENTS`."""
    return "".join(f"{each}{_END}" for each in arguments)


def read_besides(folder: Path, package: Path, asked: str | None) -> Iterator[Path]:
    """Yield the files that clippy reads besides sources: manifests, the lock, and its configuration.

    `folder` is its working directory, `asked` the value of `CONFIGURATION`.
    """
    for file in dict.fromkeys((folder / "Cargo.toml", folder / "Cargo.lock", package / "Cargo.toml")):
        if file.is_file():
            yield file
    begin = Path(os.path.realpath(package if asked is None else folder / asked))
    found = (place for at in (begin, *begin.parents) for name in _NAMES if (place := at / name).is_file())
    yield from islice(found, 1)
