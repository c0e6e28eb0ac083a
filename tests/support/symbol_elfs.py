"""Small programs with symbols: functions of given code, data, frame sizes. Stripped and not, as a link makes them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from elf_files import HEADER, PHDR, PT_LOAD, R, W, X

if TYPE_CHECKING:
    from pathlib import Path

X86, ARM, RISC_V = 62, 183, 243
TEXT, DATA = 0x201000, 0x202000
NOTYPE, OBJECT, FUNC, FILE = 0, 1, 2, 4
ALLOC_WRITE, ALLOC_EXEC = 3, 6
_FIRST = HEADER + 2 * PHDR


@dataclass(frozen=True)
class Sym:
    """`address` counts from the beginning of `.text` (`.data` where `in_data`)."""

    name: str
    address: int = 0
    size: int = 0
    kind: int = FUNC
    is_local: bool = True
    in_data: bool = False


@dataclass(frozen=True)
class Linked:
    """`frames` are addresses as in `Sym` and bytes; `entry` likewise."""

    text: bytes
    symbols: tuple[Sym, ...] = ()
    data: bytes = b"data"
    frames: tuple[tuple[int, int], ...] = ()
    entry: int = 0
    machine: int = X86
    comment: bytes = b"made by a test\0"
    _gap: bytes = field(default=b"\0" * 5, repr=False)

    def stripped(self) -> bytes:
        return self._file((self._text, self._data_section, (".comment", 1, 0, 0, self.comment, 0)))

    def unstripped(self) -> bytes:
        names = b"\0"
        table = bytes(24)
        for symbol in self.symbols:
            at, names = len(names), names + symbol.name.encode() + b"\0"
            base, section = (DATA, 2) if symbol.in_data else (TEXT, 1)
            info = symbol.kind | (0 if symbol.is_local else 16)
            address, section = (0, 0xFFF1) if symbol.kind == FILE else (base + symbol.address, section)
            table += struct.pack("<IBBHQQ", at, info, 0, section, address, symbol.size)
        sizes = b"".join(struct.pack("<Q", TEXT + at) + uleb(size) for at, size in self.frames)
        return self._file(
            (
                self._text,
                self._data_section,
                (".stack_sizes", 1, 0, 0, sizes, 0),
                (".symtab", 2, 0, 0, table, 5),
                (".strtab", 3, 0, 0, names, 0),
            )
        )

    def write(self, folder: Path, name: str = "example") -> tuple[Path, Path]:
        shipped, unstripped = folder / name, folder / f"{name}.debug"
        shipped.write_bytes(self.stripped())
        unstripped.write_bytes(self.unstripped())
        return shipped, unstripped

    @property
    def _text(self) -> tuple[str, int, int, int, bytes, int]:
        return ".text", 1, ALLOC_EXEC, TEXT, self.text, 0

    @property
    def _data_section(self) -> tuple[str, int, int, int, bytes, int]:
        return ".data", 1, ALLOC_WRITE, DATA, self.data, 0

    def _file(self, sections: tuple[tuple[str, int, int, int, bytes, int], ...]) -> bytes:
        names = b"\0"
        headers, body, offsets = bytes(64), b"", []
        all_sections = (*sections, (".shstrtab", 3, 0, 0, b"", 0))
        name_bytes = b"\0" + b"".join(each[0].encode() + b"\0" for each in all_sections)
        for name, kind, flags, address, own, link in all_sections:
            contents = name_bytes if name == ".shstrtab" else own
            at, names = len(names), names + name.encode() + b"\0"
            offset = _FIRST + len(body)
            offsets.append(offset)
            headers += struct.pack("<IIQQQQIIQQ", at, kind, flags, address, offset, len(contents), link, 0, 1, 0)
            body += contents + self._gap
        segments = ((R | X, TEXT, offsets[0], len(self.text)), (R | W, DATA, offsets[1], len(self.data)))
        table = b"".join(
            struct.pack("<IIQQQQQQ", PT_LOAD, flags, offset, address, 0, size, size, 0x1000)
            for flags, address, offset, size in segments
        )
        ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
        count = len(all_sections) + 1
        numbers = (
            2,
            self.machine,
            1,
            TEXT + self.entry,
            HEADER,
            _FIRST + len(body),
            0,
            64,
            PHDR,
            2,
            64,
            count,
            count - 1,
        )
        return ident + struct.pack("<HHIQQQIHHHHHH", *numbers) + table + body + headers


def uleb(number: int) -> bytes:
    found = b""
    while True:
        number, low = number >> 7, number & 0x7F
        found += bytes([low | (0x80 if number else 0)])
        if not number:
            return found


def functions(*code: str, names: str = "abcdefgh") -> tuple[bytes, tuple[Sym, ...]]:
    """One function for each piece of code, in hexadecimal: a, b, c, each right behind the one before."""
    text, symbols = b"", []
    for name, piece in zip(names, code, strict=False):
        contents = bytes.fromhex(piece)
        symbols.append(Sym(name, len(text), len(contents)))
        text += contents
    return text, tuple(symbols)
