"""What every musl sysroot must be, whoever provides it. Does not know where a libc.a comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """What a target's code runs on. `arch` is the first word of its triple, the other two are ELF's words."""

    arch: str
    elf_class: int
    elf_machine: str


class Provider(Protocol):
    """Where a raw musl tree comes from. Made by its factory in `sysroot_providers` and asked at each start of the build."""

    def identity(self) -> Mapping[str, str]:
        """Name all that decides the raw tree's bytes: pinned digests, versions, digests of local files.

        It is part of the sysroot's key. It holds no path of this machine, and is cheap enough to be asked at each start.
        """

    def write_raw(self, raw: Path, machine: Machine) -> None:
        """Write `lib/{libc.a,crt1.o,crti.o,crtn.o}` and `include/` into the existing, empty folder `raw`.

        Other files there are ignored. Regular files only. Raises `OstooError` where it can't.
        """
