"""Returns the machine for which a program is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import elf

if TYPE_CHECKING:
    from pathlib import Path


def machine_of(path: Path) -> str:
    """Return ELF's name for a program's machine. Raises `OstooError` if it is not a program."""
    try:
        return elf.parse(path.read_bytes()).machine
    except (OSError, elf.DamagedElfError) as error:
        raise OstooError(f"can't run it: {error}", where=str(path)) from error
