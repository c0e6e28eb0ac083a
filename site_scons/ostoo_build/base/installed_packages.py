"""Looks for damage in the packages of `.venv`, where something went wrong that else only a mistake of ours explains.

Nobody pays for it in a build that goes well: a hundred megabytes would have to be read each time. Installs nothing.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from ostoo_build.base import wheel_record

_VENV = Path(__file__).parents[3] / ".venv"


def damaged() -> Path | None:
    """A file of a package that is not as it was installed, if there is one; the next start makes `.venv` anew then."""
    if Path(sys.prefix) != _VENV:
        return None
    found = damaged_in(_VENV)
    if found:
        for installed in _VENV.glob("requirements*.txt"):
            with suppress(OSError):
                installed.unlink()
    return found


def damaged_in(venv: Path) -> Path | None:
    """A file of a package in `venv` that is not as it was installed, if there is one."""
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
