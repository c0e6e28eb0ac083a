"""Removes from a linked program what no loader needs, as LLD does with `--strip-all`, byte for byte.

Symbols, debug information and `.stack_sizes` go away with their section headers; what is loaded, and where, stays. One
link then serves the shipped program and the one with symbols. LLD places sections that are not loaded one behind the
other, and the section headers at the end (lld/ELF/Writer.cpp, `assignFileOffsets`).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.binary import elf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.binary.elf import Elf

_SHT_SYMTAB, _SHT_STRTAB, _SHT_RELA, _SHT_NOBITS, _SHT_REL, _SHT_SYMTAB_SHNDX = 2, 3, 4, 8, 9, 18
_SHF_ALLOC = 2
_SHF_INFO_LINK = 0x40
_DEBUG = ".debug"
"""How names of sections begin that LLD takes for debug information."""

_OTHERS = frozenset({".stack_sizes", ".gdb_index"})
_HEADERS = {32: ("IIIIIIIIII", 0x20, "I"), 64: ("IIQQQQIIQQ", 0x28, "Q")}
"""Section headers, the offset of `e_shoff` in the file header, and its format, by ELF class."""

_SHNUM = {32: 0x30, 64: 0x3C}
"""The offset of `e_shnum`, which `e_shstrndx` follows."""


class _Header(Struct, frozen=True):
    """A section header, in the order of the file's fields."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int

    @property
    def is_loaded(self) -> bool:
        return bool(self.flags & _SHF_ALLOC)

    @property
    def file_size(self) -> int:
        return 0 if self.kind == _SHT_NOBITS else self.size


def stripped(data: bytes) -> bytes:
    """Return a program without symbols. Raises `DamagedElfError`."""
    known = elf.parse(data)
    if not known.sections:
        return data
    file = _File(data, int(known.elf_class.removeprefix("ELFCLASS")), "<" if known.encoding == "ELFDATA2LSB" else ">")
    names = [section.name for section in known.sections]
    headers = file.headers(len(names))
    removed = _removed(headers, names, file.names_index)
    kept = [at for at in range(len(headers)) if at not in removed]
    return file.rewritten(headers, [(at, names[at]) for at in kept], _end_of_fixed(known, headers))


def _removed(headers: Sequence[_Header], names: Sequence[str], names_index: int) -> set[int]:
    """Return the sections to remove: those that nobody loads and that are for debuggers, and what belongs to them."""
    free = {at for at, header in enumerate(headers) if at and not header.is_loaded and at != names_index}
    symbols = {at for at in free if headers[at].kind in (_SHT_SYMTAB, _SHT_SYMTAB_SHNDX)}
    texts = {headers[at].link for at in symbols if headers[at].kind == _SHT_SYMTAB} & free
    relocations = {at for at in free if headers[at].kind in (_SHT_REL, _SHT_RELA)}
    named = {at for at in free if names[at].startswith(_DEBUG) or names[at] in _OTHERS}
    return symbols | texts | named | {at for at in relocations if headers[at].link in symbols}


class _File(Struct, frozen=True):
    """An ELF file; `order` is `struct`'s sign for its byte order."""

    data: bytes
    bits: int
    order: str

    def headers(self, count: int) -> list[_Header]:
        form, where, word = _HEADERS[self.bits]
        (start,) = struct.unpack_from(self.order + word, self.data, where)
        size = struct.calcsize(self.order + form)
        return [_Header(*struct.unpack_from(self.order + form, self.data, start + at * size)) for at in range(count)]

    @property
    def names_index(self) -> int:
        found: int = struct.unpack_from(f"{self.order}H", self.data, _SHNUM[self.bits] + 2)[0]
        return found

    def rewritten(self, headers: Sequence[_Header], kept: Sequence[tuple[int, str]], fixed: int) -> bytes:
        """Return the file with these sections only; the first `fixed` bytes stay as they are."""
        texts = _Names()
        numbers = {at: number for number, (at, _) in enumerate(kept)}
        made = [replace(headers[at], name=texts.add(name)) for at, name in kept]
        made = [replace(each, **_renumbered(each, numbers)) for each in made]
        at_names = numbers[self.names_index]
        made[at_names] = replace(made[at_names], size=len(texts.content))
        content = bytearray(self.data[:fixed])
        for number, each in enumerate(made):
            if number and each.kind != _SHT_NOBITS and (each.offset >= fixed or number == at_names):
                body = texts.content if number == at_names else self.data[each.offset : each.offset + each.size]
                _pad(content, each.alignment)
                made[number] = replace(each, offset=len(content))
                content += body
        _pad(content, self.bits // 8)
        self._write_fields(content, len(content), len(made), at_names)
        form = self.order + _HEADERS[self.bits][0]
        return bytes(content) + b"".join(struct.pack(form, *_fields(each)) for each in made)

    def _write_fields(self, content: bytearray, start: int, count: int, at_names: int) -> None:
        _, where, word = _HEADERS[self.bits]
        struct.pack_into(self.order + word, content, where, start)
        struct.pack_into(f"{self.order}HH", content, _SHNUM[self.bits], count, at_names)


class _Names:
    """The text of section names; equal names are one."""

    def __init__(self) -> None:
        self.content = b""
        self._known: dict[str, int] = {}

    def add(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = len(self.content)
            self.content += name.encode("utf-8", "surrogateescape") + b"\0"
        return self._known[name]


def _fields(header: _Header) -> Iterator[int]:
    yield from (getattr(header, name) for name in header.__struct_fields__)


def _renumbered(header: _Header, numbers: dict[int, int]) -> dict[str, int]:
    """Return the fields that name other sections, with their new numbers; 0 for a section that is gone."""
    found = {"link": numbers.get(header.link, 0)}
    if header.flags & _SHF_INFO_LINK:
        found["info"] = numbers.get(header.info, 0)
    return found


def _end_of_fixed(known: Elf, headers: Sequence[_Header]) -> int:
    """Return where the first section begins behind all that is loaded. What lies before stays where it is."""
    segments = (segment.offset + segment.file_size for segment in known.loads)
    sections = (each.offset + each.file_size for each in headers[1:] if each.is_loaded)
    loaded = max(*segments, *sections, known.headers_offset + known.headers_size)
    return min((each.offset for each in headers[1:] if not each.is_loaded and each.offset >= loaded), default=loaded)


def _pad(content: bytearray, alignment: int) -> None:
    content += bytes(-len(content) % max(alignment, 1))
