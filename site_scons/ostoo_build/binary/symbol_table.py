"""Reads functions, data and frame sizes from a program with symbols.

Nothing in the file is trusted: tables are read only as far as they are inside it, in time bounded by its length.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import elf
from ostoo_build.binary.elf import PF_X, DamagedElfError, Elf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STACK_SIZES = ".stack_sizes"
"""LLVM's section: for each function its address, and the bytes of its frame in ULEB128 (`-Zemit-stack-sizes`)."""

_LARGEST = 256 << 20
_SYMBOL = struct.Struct("<IBBHQQ")
_ADDRESS = struct.Struct("<Q")
_KINDS = {0: "STT_NOTYPE", 1: "STT_OBJECT", 2: "STT_FUNC", 4: "STT_FILE", 6: "STT_TLS", 10: "STT_GNU_IFUNC"}
_LOCAL = 0
_MEMORY_END = (1 << 64) - (1 << 12)
"""The last page is not searched for code: capstone's addresses would wrap to 0."""
_RESERVED = 0xFF00
_MARKS = ("$x", "$d", ".L")
"""Prefixes of the names that assemblers generate: for the start of code and data, for halves of addresses."""

_ULEB_BITS = 63


class Symbol(Struct, frozen=True):
    """An entry of `.symtab`. `kind` is ELF's name for the type; `file` is a local symbol's source file, else empty."""

    name: str
    kind: str
    address: int
    size: int
    section: int
    is_local: bool
    file: str


def read_program(path: Path) -> Elf:
    """Read a program. Raises `OstooError` if it is missing, or this build can't have made it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise OstooError(f"can't read the program: {error.strerror}", where=str(path)) from error
    if len(data) > _LARGEST:
        raise OstooError(f"it has more than {_LARGEST >> 20} MiB; larger files are not read", where=str(path))
    try:
        found = elf.parse(data)
    except DamagedElfError as error:
        raise OstooError(f"damaged ELF file: {error}", where=str(path), remedy="build it again") from error
    if (found.elf_class, found.encoding) != ("ELFCLASS64", "ELFDATA2LSB"):
        raise OstooError("only 64-bit little-endian programs are supported", where=str(path))
    return found


def symbols(program: Elf) -> tuple[Symbol, ...]:
    """Return all symbols that are defined at an address of the program. Raises `DamagedElfError`."""
    table = next((section for section in program.sections if section.kind == "SHT_SYMTAB"), None)
    if table is None:
        return ()
    if table.link >= len(program.sections):
        raise DamagedElfError("the symbol table names no section for its names", table.offset)
    names = section_contents(program, table.link)
    return tuple(_symbols(section_contents(program, program.sections.index(table)), names))


def _symbols(table: bytes, names: bytes) -> Iterator[Symbol]:
    file = ""
    whole = len(table) - len(table) % _SYMBOL.size
    for name_at, info, _, section, address, size in _SYMBOL.iter_unpack(table[:whole]):
        end = names.find(b"\0", name_at)
        name = names[name_at : end if end >= 0 else None].decode("utf-8", "backslashreplace")
        kind, is_local = _KINDS.get(info & 15, ""), info >> 4 == _LOCAL
        if kind == "STT_FILE":
            file = name
        elif kind and 0 < section < _RESERVED and not name.startswith(_MARKS):
            yield Symbol(name, kind, address, size, section, is_local, file if is_local else "")


def section_contents(program: Elf, index: int) -> bytes:
    """Return the bytes of a section. Raises `DamagedElfError` if they are outside the file."""
    section = program.sections[index]
    if section.offset + section.size > len(program.data):
        raise DamagedElfError(f"section {section.name} ends beyond the end of the file", section.offset)
    return program.data[section.offset : section.offset + section.size]


def frame_sizes(program: Elf) -> dict[int, int]:
    """Return the compiler's frame sizes in bytes, by a function's address. Raises `DamagedElfError`."""
    found: dict[int, int] = {}
    for index, section in enumerate(program.sections):
        if section.name == STACK_SIZES:
            found |= _frame_sizes(section_contents(program, index), section.offset)
    return found


def _frame_sizes(contents: bytes, offset: int) -> dict[int, int]:
    found = {}
    at = 0
    while at < len(contents):
        start = at
        at += _ADDRESS.size
        size = shift = 0
        while True:
            if at >= len(contents) or shift > _ULEB_BITS:
                raise DamagedElfError(f"an entry of {STACK_SIZES} is cut off", offset + start)
            byte = contents[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:  # noqa: PLR2004 - ULEB128's mark of the last byte
                break
        found[_ADDRESS.unpack_from(contents, start)[0]] = size
    return found


class Function(Struct, frozen=True):
    """Code that begins at a symbol. `names` is empty for code that no symbol covers.

    `size` ends at the next function at the latest, so that no byte is in two functions.
    """

    address: int
    size: int
    names: tuple[str, ...]
    file: str = ""

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def name(self) -> str:
        return self.names[0] if self.names else f"[code at {self.address:#x} without a symbol]"


def code_pieces(program: Elf) -> Iterator[tuple[int, bytes]]:
    """Yield all bytes of executable segments with their addresses, each address once."""
    done = 0
    executable = (segment for segment in program.loads if segment.flags & PF_X)
    for each in sorted(executable, key=lambda segment: segment.address):
        contents = program.contents(each)[: max(0, _MEMORY_END - each.address)]
        skip = max(0, done - each.address)
        if skip < len(contents):
            yield each.address + skip, contents[skip:]
            done = each.address + len(contents)


def functions(program: Elf, known: tuple[Symbol, ...]) -> tuple[Function, ...]:
    """Divide the program's code into functions. Every byte belongs to exactly one."""
    starts: dict[int, list[Symbol]] = {}
    for symbol in known:
        if symbol.kind in ("STT_FUNC", "STT_GNU_IFUNC", "STT_NOTYPE"):
            starts.setdefault(symbol.address, []).append(symbol)
    addresses = sorted(starts)
    found: list[Function] = []
    at = 0
    for start, contents in code_pieces(program):
        end = start + len(contents)
        while at < len(addresses) and addresses[at] < start:
            at += 1
        if at == len(addresses) or addresses[at] > start:
            found.append(Function(start, (min(addresses[at], end) if at < len(addresses) else end) - start, ()))
        while at < len(addresses) and addresses[at] < end:
            following = min(addresses[at + 1], end) if at + 1 < len(addresses) else end
            found += _shared_out(starts[addresses[at]], following)
            at += 1
    return tuple(each for each in found if each.size)


def _shared_out(symbols_there: list[Symbol], following: int) -> Iterator[Function]:
    """Yield the function at a symbol, and then the code between its end and `following`."""
    ranked = sorted(symbols_there, key=lambda each: (each.kind == "STT_NOTYPE", each.is_local, each.name))
    address, size = ranked[0].address, max(each.size for each in ranked)
    end = min(address + size, following) if size else following
    yield Function(address, end - address, tuple(each.name for each in ranked), ranked[0].file)
    if end < following:
        yield Function(end, following - end, ())
