"""Finds damaged files in the Python packages, as an explanation for an otherwise unexplained error.

It runs only after such an error: reading a hundred megabytes in each build would be too slow. It installs nothing.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from ostoo_build.base import own_files, wheel_record


def damaged() -> tuple[Path, str] | None:
    """Return a file of the running environment's packages that differs from the installed one, and the remedy; or None.

    The next start in the repository recreates `.venv` after this.
    """
    venv, repository = Path(sys.prefix), own_files.repository()
    if repository is not None and venv != repository / ".venv":
        return None
    found = damaged_in(venv)
    if not found:
        return None
    if repository is None:
        return found, "install it again: uv tool install --reinstall, or pip install --force-reinstall"
    for installed in venv.glob("requirements*.txt"):
        with suppress(OSError):
            installed.unlink()
    return found, "build again: the next start recreates .venv"


def damaged_in(venv: Path) -> Path | None:
    """Return a file of a package in `venv` that differs from the installed one, or None."""
    for record in sorted(venv.glob(f"lib/python3*/site-packages/*.dist-info/{wheel_record.NAME}")):
        packages = record.parents[1]
        try:
            recorded = wheel_record.read(record)
        except (OSError, ValueError):
            return record
        found = wheel_record.altered(packages, recorded)
        if found:
            return found
    return None
