"""Returns the machine for which a program is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import elf

if TYPE_CHECKING:
    from pathlib import Path


def machine_of(path: Path) -> str:
    """The machine that a program is for, in ELF's word. Raises `OstooError` where it is none."""
    try:
        return elf.parse(path.read_bytes()).machine
    except (OSError, elf.DamagedElfError) as error:
        raise OstooError(f"can't run it: {error}", where=str(path)) from error
