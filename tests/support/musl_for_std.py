"""Finds the sources of musl that std may need: its command writes their names, or the symbols that only others define.

The arguments are a finished sysroot with all of musl, the folder of the units of a build for development, in which
std's crates are machine code, the folder of musl's sources, and the processor. With `--others` behind them it writes
the symbols. The sources of x86-64 are enough for all processors; the symbols of all processors are put together.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile

from ostoo_build.binary import ar
from ostoo_build.sysroot import zig
from ostoo_build.sysroot.contract import NEEDED_SYMBOLS
from ostoo_build.sysroot.install import RAW_FILES

_ELF = b"\x7fELF"


class Symbols(NamedTuple):
    """The global symbols that an object defines, and those that it needs."""

    defined: frozenset[str]
    needed: frozenset[str]


def of_object(data: bytes) -> Symbols:
    table: Any = ELFFile(io.BytesIO(data)).get_section_by_name(".symtab")
    found = [each for each in (table.iter_symbols() if table else ()) if each["st_info"]["bind"] != "STB_LOCAL"]
    is_undefined = {each.name: each["st_shndx"] == "SHN_UNDEF" for each in found}
    weak = {each.name for each in found if each["st_info"]["bind"] == "STB_WEAK"}
    return Symbols(
        frozenset(name for name, undefined in is_undefined.items() if not undefined),
        frozenset(name for name, undefined in is_undefined.items() if undefined and name not in weak),
    )


def of_std(units: Path) -> set[str]:
    """Return the symbols that std's crates need."""
    needed: set[str] = set()
    for path in units.rglob("*.rlib"):
        for member in ar.read(path.read_bytes(), str(path)):
            needed |= of_object(member.data).needed if member.data.startswith(_ELF) else frozenset()
    return needed


def taken(libc: list[Symbols], needed: set[str]) -> set[int]:
    """Return the numbers of the members that a linker may take, and of those that define a symbol of theirs first."""
    first: dict[str, int] = {}
    for number, member in enumerate(libc):
        for name in member.defined:
            first.setdefault(name, number)
    found: set[int] = set()
    waiting = {first[name] for name in needed if name in first}
    while waiting:
        found |= waiting
        names = {name for number in waiting for name in libc[number].needed | libc[number].defined}
        waiting = {first[name] for name in names if name in first} - found
    return found


class Split(NamedTuple):
    """The members of a sysroot's C library, and the numbers of those that std may need."""

    libc: list[Symbols]
    chosen: set[int]

    @classmethod
    def of(cls, sysroot: Path, units: Path) -> Split:
        library, *crt = ((sysroot / name).read_bytes() for name in RAW_FILES)
        libc = [of_object(member.data) for member in ar.read(library, "libc.a")]
        start = {name for each in crt for name in of_object(each).needed}
        return cls(libc, taken(libc, of_std(units) | start | NEEDED_SYMBOLS | {"__libc_version"}))

    def names(self, musl: Path, arch: str) -> list[str]:
        """Return the chosen sources, as the provider's list names them; `musl` is the folder of all sources."""
        sources = zig.sources(musl, arch)
        return sorted({zig.generic(sources[number], arch) for number in self.chosen})

    def others(self) -> list[str]:
        """Return the symbols that only the other members define."""
        part = {name for number in self.chosen for name in self.libc[number].defined}
        return sorted({name for member in self.libc for name in member.defined} - part)


if __name__ == "__main__":
    sysroot, units, musl, arch, *option = sys.argv[1:]
    split = Split.of(Path(sysroot), Path(units))
    sys.stdout.writelines(f"{name}\n" for name in (split.others() if option else split.names(Path(musl), arch)))
