"""Assigns each byte of a shipped program to a function, data, a header, or padding.

Symbols come from the same program before it was stripped. Bytes without a symbol are labelled as such; the parts
together are the whole file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.binary import symbol_table
from ostoo_build.binary.demangle import demangle
from ostoo_build.binary.elf import PF_X, DamagedElfError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.binary.elf import Elf, Section
    from ostoo_build.binary.symbol_table import Symbol

UNKNOWN = "[unknown]"
PADDING = "[padding]"
HEADERS = "[headers]"
MUSL = "musl"
BUILTINS = "compiler_builtins"
RUNTIME = "ostoo_rt"

_FILE_HEADER = 64
_SECTION_HEADER = 64
_LONGEST_FILL = 64
_FILL = lazy_pattern(
    rb"(?s)(?:\x00|\xcc|\x90|\x66*\x0f\x1f.{1,6}|\x66*\x2e\x0f\x1f.{1,6}|\x1f\x20\x03\xd5|\x13\x00\x00\x00|\x01\x00)*"
)
"""Padding of assemblers and linkers: zeros, INT3, and the NOPs of all three processors."""

_COMPILER_RT = lazy_pattern(r"__[a-z]+[sdtx][if][2-4]?")
"""Functions to which compilers generate calls, such as __udivti3."""


class Part(Struct, frozen=True):
    """Bytes of the file: their section, their crate, and a description."""

    section: str
    crate: str
    name: str
    size: int


class _CrateNames(Struct, frozen=True):
    """Determines the crate of a symbol, also of those that rustc did not mangle.

    Some are known by convention (`known`): `_start` is the runtime's if there is anything of that in the program, else
    libc's or the program's own. Functions that compilers call are compiler_builtins'; the rest is from `other`.
    """

    known: Mapping[str, str]
    other: str

    def crate(self, symbol: str) -> str:
        plain = BUILTINS if _COMPILER_RT.fullmatch(symbol) else self.other
        return demangle(symbol).crate or self.known.get(symbol, plain)


class _Range(Struct, frozen=True):
    """A part of the file with one purpose; `section` is set if it is a section's contents."""

    offset: int
    size: int
    name: str
    section: Section | None = None


def share_out(shipped_path: Path, unstripped_path: Path, name: str) -> tuple[Part, ...]:
    """Return the parts of a shipped program in file order.

    Raises `OstooError` if the two files are different programs.
    """
    shipped, unstripped = symbol_table.read_program(shipped_path), symbol_table.read_program(unstripped_path)
    try:
        known = symbol_table.symbols(unstripped)
        if not known:
            raise OstooError("it has no symbols", where=str(unstripped_path))
        if _loaded(shipped) != _loaded(unstripped):
            raise OstooError(
                "these are two different programs",
                where=f"{shipped_path}\n{unstripped_path}",
                remedy="build it again",
            )
        return tuple(part for part in _parts(shipped, unstripped, known, name) if part.size)
    except DamagedElfError as error:
        raise OstooError(f"damaged ELF file: {error}", where=str(unstripped_path)) from error


def _loaded(program: Elf) -> list[tuple[str, int, bytes]]:
    return [
        (
            section.name,
            section.address,
            b"" if section.kind == "SHT_NOBITS" else symbol_table.section_contents(program, i),
        )
        for i, section in enumerate(program.sections)
        if section.address
    ]


def _parts(shipped: Elf, unstripped: Elf, known: tuple[Symbol, ...], name: str) -> Iterator[Part]:
    blame = _crate_names(unstripped, known, name.replace("-", "_"))
    done = 0
    for each in sorted(_ranges(shipped), key=lambda range_: (range_.offset, -range_.size)):
        start, end = max(each.offset, done), min(each.offset + each.size, len(shipped.data))
        if end <= start:
            continue
        yield Part(PADDING, PADDING, PADDING, start - done)
        if each.section is None or not each.section.address:
            yield Part(each.name, HEADERS, each.name, end - start)
        elif start == each.offset:
            yield from _in_section(unstripped, each.section, known, end - start, blame)
        else:
            yield Part(each.name, UNKNOWN, f"{each.name}, which overlaps another section", end - start)
        done = end
    yield Part(PADDING, PADDING, PADDING, len(shipped.data) - done)


def _crate_names(unstripped: Elf, known: tuple[Symbol, ...], own: str) -> _CrateNames:
    libc = MUSL if any(symbol.name == "__libc_start_main" for symbol in known) else ""
    entry = RUNTIME if RUNTIME.encode() in unstripped.data else libc or own
    return _CrateNames({"_start": entry, "main": own}, libc or BUILTINS)


def _ranges(program: Elf) -> Iterator[_Range]:
    yield _Range(0, _FILE_HEADER, "[ELF header]")
    yield _Range(program.headers_offset, program.headers_size, "[program headers]")
    table = int.from_bytes(program.data[0x28:0x30], "little")
    yield _Range(table, len(program.sections) * _SECTION_HEADER, "[section headers]")
    for section in program.sections:
        if section.kind not in ("SHT_NOBITS", "SHT_NULL"):
            yield _Range(section.offset, section.size, section.name, section)


def _in_section(
    program: Elf, section: Section, known: tuple[Symbol, ...], size: int, blame: _CrateNames
) -> Iterator[Part]:
    """Divide a section that is loaded to memory. Its contents are equal in both files."""
    end = section.address + size
    contents = symbol_table.section_contents(
        program, next(i for i, each in enumerate(program.sections) if each.address == section.address and each.size)
    )
    at = section.address
    for start, length, name in _covered(program, section, known):
        begin, stop = max(start, at), min(start + length, end)
        if stop > begin:
            yield _uncovered(section, contents[at - section.address : begin - section.address])
            yield Part(section.name, blame.crate(name), demangle(name).text, stop - begin)
            at = stop
    yield _uncovered(section, contents[at - section.address : size])


def _covered(program: Elf, section: Section, known: tuple[Symbol, ...]) -> Iterator[tuple[int, int, str]]:
    """Yield what symbols cover, by address: start, length, name."""
    if _is_code(program, section):
        for function in symbol_table.functions(program, known):
            if function.names:
                yield function.address, function.size, function.name
        return
    data = [symbol for symbol in known if symbol.size and symbol.kind in ("STT_OBJECT", "STT_NOTYPE", "STT_FUNC")]
    for each in sorted(data, key=lambda symbol: (symbol.address, -symbol.size, symbol.is_local, symbol.name)):
        yield each.address, each.size, each.name


def _is_code(program: Elf, section: Section) -> bool:
    return any(each.flags & PF_X and each.address <= section.address < each.end for each in program.loads)


def _uncovered(section: Section, contents: bytes) -> Part:
    if len(contents) < _LONGEST_FILL and _FILL.fullmatch(contents):
        return Part(section.name, PADDING, PADDING, len(contents))
    return Part(section.name, UNKNOWN, f"{section.name} without a symbol", len(contents))
