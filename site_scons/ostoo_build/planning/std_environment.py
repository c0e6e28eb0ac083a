"""Determines which variables of cargo's `[env]` std's code may read; its compiler gets no others.

So an edit of `[env]` does not compile std again. Build scripts of std are told all of them, as any program may ask for
any variable; a compiler asks for its own, and for those that a source names.
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
"""What the names begin with that rustc, LLVM and the C library ask for."""


def read_by(sources: Path, names: Collection[str]) -> frozenset[str]:
    """Those of `names` that tools ask for, or that a Rust file below the folder `sources` has as a text of its own.

    `env!` takes a literal. What std's crates read in a build is held against this by a test with the real compiler.
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
