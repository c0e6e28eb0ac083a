"""Checks whether an ELF file has code at its entry point.

A linker that finds no entry symbol only warns and writes 0 (LLD: "not setting start address").
"""

from __future__ import annotations

import struct

_MAGIC = b"\x7fELF"
_ORDERS = {1: "<", 2: ">"}
_WORDS = {1: "I", 2: "Q"}
_ENTRY, _PT_LOAD, _PF_X = 24, 1, 1


def is_missing(data: bytes) -> bool:
    """Whether an ELF file has no entry point in an executable segment. False if it is not an ELF file."""
    if data[:4] != _MAGIC:
        return False
    try:
        entry, segments = _read(data)
    except (LookupError, struct.error):
        return True
    return entry == 0 or not any(start <= entry < start + size for start, size in segments)


def _read(data: bytes) -> tuple[int, list[tuple[int, int]]]:
    """Return the entry point, and address and size of each executable PT_LOAD.

    Reads `Elf_Ehdr` and `Elf_Phdr` of 32 and 64 bits.
    """
    word, order = _WORDS[data[4]], _ORDERS[data[5]]
    entry, table = struct.unpack_from(f"{order}2{word}", data, _ENTRY)
    behind = _ENTRY + 3 * struct.calcsize(f"{order}{word}") + 4
    _header_size, each, count = struct.unpack_from(f"{order}3H", data, behind)
    headers = (_segment(data, table + each * number, order, word) for number in range(count))
    return entry, [(start, size) for kind, flags, start, size in headers if kind == _PT_LOAD and flags & _PF_X]


def _segment(data: bytes, at: int, order: str, word: str) -> tuple[int, int, int, int]:
    """Return type, flags, address and size in memory of a program header."""
    if word == "Q":
        kind, flags, _offset, start, _physical, _file, size = struct.unpack_from(f"{order}2I5Q", data, at)
    else:
        kind, _offset, start, _physical, _file, size, flags = struct.unpack_from(f"{order}7I", data, at)
    return kind, flags, start, size
