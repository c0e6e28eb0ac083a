"""Finds the gdb that supports a program's machine."""

from __future__ import annotations

import shutil

from ostoo_build.base.errors import OstooError
from ostoo_build.run import emulator


def find(machine: str, path: str) -> str:
    """Return a gdb in the folders of `path` for one of ELF's machines. Raises `OstooError` if there is none."""
    names = ("gdb-multiarch", "gdb") if emulator.runs_natively(machine) else ("gdb-multiarch",)
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        raise OstooError(f"no gdb for {machine} was found", remedy=f"install {names[0]}")
    return found
