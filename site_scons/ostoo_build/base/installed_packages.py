"""Finds damaged files in the packages of `.venv`, as an explanation for an otherwise unexplained error.

It runs only after such an error: reading a hundred megabytes in each build would be too slow. It installs nothing.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from ostoo_build.base import wheel_record

_VENV = Path(__file__).parents[3] / ".venv"


def damaged() -> Path | None:
    """Return a file of the running environment's packages that differs from the installed one, or None.

    The next start recreates `.venv` after this.
    """
    if Path(sys.prefix) != _VENV:
        return None
    found = damaged_in(_VENV)
    if found:
        for installed in _VENV.glob("requirements*.txt"):
            with suppress(OSError):
                installed.unlink()
    return found


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
