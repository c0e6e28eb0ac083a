"""Finds the function at an address."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import symbol_table
from ostoo_build.binary.demangle import demangle
from ostoo_build.binary.elf import DamagedElfError

if TYPE_CHECKING:
    from pathlib import Path


class Function(Struct, frozen=True):
    """A function of a linked program: its symbol, and its size in bytes."""

    address: int
    size: int
    name: str


class Symbols(Struct, frozen=True):
    """The functions of a program, by address."""

    functions: tuple[Function, ...]

    def around(self, address: int) -> Function | None:
        """Return the function that contains an address."""
        index = bisect_right(self.functions, address, key=lambda function: function.address) - 1
        function = self.functions[index] if index >= 0 else None
        return function if function and address < function.address + max(function.size, 1) else None

    def at(self, address: int) -> str:
        """Return an address as a function and an offset, or an empty text if no function contains it."""
        function = self.around(address)
        return f"{function.name}+{address - function.address:#x}" if function else ""

    def bytes_by_crate(self) -> Counter[str]:
        """Return the size of each crate's code. Symbols that rustc did not mangle are left out."""
        named = {each.address: (demangle(each.name).crate, each.size) for each in self.functions if _is_named(each)}
        found: Counter[str] = Counter()
        for crate, size in named.values():
            found[crate] += size
        return found


def _is_named(function: Function) -> bool:
    return bool(demangle(function.name).crate)


def load(path: Path) -> Symbols:
    """Read the functions of a program with symbols. Raises `OstooError` if the file is missing or damaged."""
    try:
        known = symbol_table.symbols(symbol_table.read_program(path))
    except DamagedElfError as error:
        raise OstooError(f"damaged ELF file: {error}", where=str(path)) from error
    functions = (Function(each.address, each.size, each.name) for each in known if each.kind == "STT_FUNC")
    return Symbols(tuple(sorted(functions, key=lambda function: (function.address, function.size))))
