"""Determines where rustc looks for the file of a module. Opens no file.

A module `a` is in `a.rs` or in `a/mod.rs`; both together are an error. dep-info lists only the file that was found.
"""

from __future__ import annotations

from pathlib import PurePosixPath

_SOURCE, _MOD = ".rs", "mod.rs"


def other_place(path: str) -> str:
    """Return the path at which rustc also looks for a source file, if that is a module; empty if there is none."""
    file = PurePosixPath(path)
    if file.name == _MOD:
        return f"{file.parent}{_SOURCE}" if file.parent.name else ""
    return str(file.with_suffix("") / _MOD) if file.suffix == _SOURCE else ""
