"""Determines which variables of cargo's `[env]` std's code may read; its compiler gets no others.

So an edit of `[env]` does not compile std again. std's build scripts get all variables, as a program can read any; a
compiler reads a fixed set, and those that a source names.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_OF_TOOLS = (
    "CARGO",
    "LANG",
    "LC_",
    "LD_",
    "LIB",
    "LLVM",
    "MALLOC",
    "PATH",
    "RUST",
    "SDK",
    "SOURCE_DATE",
    "TEMP",
    "TMP",
)
"""Prefixes of the variables that rustc, LLVM and the C library read."""


def read_by(sources: Path, names: Collection[str]) -> frozenset[str]:
    """Return the names that the tools read, or that a Rust file below `sources` contains as a string literal.

    This suffices as `env!` takes a literal. A test with the real compiler compares it with what std's crates read.
    """
    found = {name for name in names if name.startswith(_OF_TOOLS)}
    for folder, _, files in os.walk(sources):
        for file in files:
            left = [name for name in names if name not in found]
            if left and file.endswith(".rs"):
                with open(os.path.join(folder, file), "rb") as stream:  # noqa: PTH118, PTH123 - thousands of files
                    text = stream.read()
                found.update(name for name in left if f'"{name}"'.encode() in text)
    return frozenset(found)
