"""Finds the function that an address belongs to. Does not know what the address is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ostoo_build.demangle import demangle

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Function:
    """A function as the linker left it: `name` is its symbol, `size` in bytes."""

    address: int
    size: int
    name: str


@dataclass(frozen=True)
class Symbols:
    """The functions of a program, by address."""

    functions: tuple[Function, ...]

    def at(self, address: int) -> str:
        """The function around an address, and how far into it the address is; empty where there is none."""
        index = bisect_right(self.functions, address, key=lambda function: function.address) - 1
        function = self.functions[index] if index >= 0 else None
        if function is None or address >= function.address + max(function.size, 1):
            return ""
        return f"{function.name}+{address - function.address:#x}"

    def bytes_by_crate(self) -> Counter[str]:
        """How much code each crate has, by its crate's name; what rustc did not name is left out."""
        named = {each.address: (demangle(each.name).crate, each.size) for each in self.functions if _is_named(each)}
        found: Counter[str] = Counter()
        for crate, size in named.values():
            found[crate] += size
        return found


def _is_named(function: Function) -> bool:
    return bool(demangle(function.name).crate)


def load(path: Path) -> Symbols:
    """Read the functions of a program that our linker made, with its symbols. Raises `OSError` without such a file."""
    with path.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        symbols = table.iter_symbols() if isinstance(table, SymbolTableSection) else ()
        functions = [
            Function(each["st_value"], each["st_size"], each.name)
            for each in symbols
            if each["st_info"]["type"] == "STT_FUNC" and each["st_shndx"] != "SHN_UNDEF"
        ]
    return Symbols(tuple(sorted(functions, key=lambda function: (function.address, function.size))))
