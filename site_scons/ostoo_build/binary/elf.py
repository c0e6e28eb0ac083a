"""Parses linked ELF files defensively.

Only the file header, program headers, section headers and section names are read, each after a check that it is inside
the file: time and memory are bounded by the file's length, whatever its fields claim.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from elftools.elf.structs import ELFStructs

if TYPE_CHECKING:
    from elftools.construct import Struct
    from elftools.construct.lib.container import Container

PF_X = 1
PF_W = 2

_MAGIC = b"\x7fELF"
_CLASSES = {1: 32, 2: 64}
_ENCODINGS = {1: True, 2: False}
_LONGEST_NAME = 64


class DamagedElfError(ValueError):
    """The bytes are not a valid ELF file. `offset` is the position of the error in the file."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.offset = offset


class Segment(msgspec.Struct, frozen=True):
    """A program header. `kind` is ELF's name for the type ("PT_LOAD"), or the number if ELF defines no name."""

    kind: str
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int

    @property
    def end(self) -> int:
        """The first address behind the segment. It may exceed the range of a pointer."""
        return self.address + self.memory_size


class Section(msgspec.Struct, frozen=True):
    """A section header. `kind` is as in `Segment`, `offset` is the position of the contents, `link` a section index."""

    name: str
    kind: str
    offset: int
    address: int = 0
    size: int = 0
    link: int = 0


class Elf(msgspec.Struct, frozen=True):
    """The headers that loaders and our rules read. Names such as ET_EXEC are ELF's own."""

    data: bytes
    elf_class: str
    encoding: str
    machine: str
    kind: str
    entry: int
    headers_offset: int
    headers_size: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]

    def __repr__(self) -> str:
        """Omit the file's contents."""
        return f"Elf({self.kind} for {self.machine}, {len(self.data)} bytes)"

    @property
    def loads(self) -> tuple[Segment, ...]:
        return tuple(segment for segment in self.segments if segment.kind == "PT_LOAD")

    @property
    def segment_of_entry(self) -> Segment | None:
        """The executable segment that contains the entry point."""
        holders = (each for each in self.loads if each.flags & PF_X and each.address <= self.entry < each.end)
        return next(holders, None)

    def contents(self, segment: Segment) -> bytes:
        """Return the bytes of a segment that the file contains."""
        return self.data[segment.offset : segment.offset + segment.file_size]


def parse(data: bytes) -> Elf:
    """Parse the headers of an ELF file of any class, byte order and machine. Raises `DamagedElfError`."""
    elf_class, little_endian = _kind(data)
    basic = _basic_structs(elf_class, little_endian=little_endian)
    header = _table(data, basic.Elf_Ehdr, 0, 1, "the file header")[0]
    structs = _structs(elf_class, little_endian, header.e_type, header.e_machine, header.e_ident.EI_OSABI)
    _require_entry_size(header.e_phentsize, header.e_phnum, structs.Elf_Phdr, "program header")
    _require_entry_size(header.e_shentsize, header.e_shnum, structs.Elf_Shdr, "section header")
    if header.e_shoff and not header.e_shnum:
        raise DamagedElfError("it has section headers, but their number is 0", header.e_shoff)
    segments = _table(data, structs.Elf_Phdr, header.e_phoff, header.e_phnum, "the program headers")
    sections = _table(data, structs.Elf_Shdr, header.e_shoff, header.e_shnum, "the section headers")
    names = _section_names(data, sections, header.e_shstrndx)
    return Elf(
        data=data,
        elf_class=str(header.e_ident.EI_CLASS),
        encoding=str(header.e_ident.EI_DATA),
        machine=str(header.e_machine),
        kind=str(header.e_type),
        entry=header.e_entry,
        headers_offset=header.e_phoff,
        headers_size=header.e_phnum * header.e_phentsize,
        segments=tuple(
            Segment(str(each.p_type), each.p_flags, each.p_offset, each.p_vaddr, each.p_filesz, each.p_memsz)
            for each in segments
        ),
        sections=tuple(
            Section(
                _name_at(names, each.sh_name),
                str(each.sh_type),
                each.sh_offset,
                each.sh_addr,
                each.sh_size,
                each.sh_link,
            )
            for each in sections
        ),
    )


def _kind(data: bytes) -> tuple[int, bool]:
    """Return the class in bits, and whether the byte order is little-endian."""
    elf_class = _CLASSES.get(data[4]) if data.startswith(_MAGIC) and len(data) > len(_MAGIC) + 1 else None
    little_endian = _ENCODINGS.get(data[5]) if elf_class else None
    if elf_class is None or little_endian is None:
        raise DamagedElfError("it is not an ELF file", 0)
    return elf_class, little_endian


def _basic_structs(elf_class: int, *, little_endian: bool) -> ELFStructs:
    structs = ELFStructs(little_endian=little_endian, elfclass=elf_class)
    structs.create_basic_structs()
    return structs


@lru_cache(maxsize=8)
def _structs(
    elf_class: int,
    little_endian: bool,  # noqa: FBT001 - a cache is asked by places
    kind: str | None,
    machine: str | None,
    abi: str | None,
) -> ELFStructs:
    """Return the structs of a kind of ELF files: to make them takes longer than to parse with them."""
    structs = _basic_structs(elf_class, little_endian=little_endian)
    structs.create_advanced_structs(kind, machine, abi)
    return structs


def _require_entry_size(claimed: int, count: int, struct: Struct, name: str) -> None:
    if count and claimed != struct.sizeof():
        raise DamagedElfError(f"the size of a {name} is given as {claimed} bytes instead of {struct.sizeof()}", 0)


def _table(data: bytes, struct: Struct, offset: int, count: int, name: str) -> list[Container]:
    size = struct.sizeof()
    if offset + size * count > len(data):
        raise DamagedElfError(f"{name} ({count} of {size} bytes) end beyond the end of the file", offset)
    return [struct.parse(data[start : start + size]) for start in range(offset, offset + size * count, size)]


def _section_names(data: bytes, sections: list[Container], index: int) -> bytes:
    if index == 0:
        return b""
    if index >= len(sections):
        raise DamagedElfError(
            f"section {index} is given for the section names, but there are {len(sections)} sections", 0
        )
    start, size = sections[index].sh_offset, sections[index].sh_size
    if start + size > len(data):
        raise DamagedElfError("the section names are beyond the end of the file", start)
    return data[start : start + size]


def _name_at(names: bytes, start: int) -> str:
    return names[start : start + _LONGEST_NAME].partition(b"\0")[0].decode("ascii", "backslashreplace")
