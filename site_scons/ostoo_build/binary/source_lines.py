"""Finds the source lines of an address, from a program's DWARF."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.dwarf.descriptions import describe_form_class
from elftools.dwarf.ranges import BaseAddressEntry
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from msgspec import Struct

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE
    from elftools.elf.sections import Section

_FILE_INDEX_FROM_0 = 5
"""From this version of DWARF on, file indices start at 0 (DWARF 5, 6.2.4)."""


class Frame(Struct, frozen=True):
    """A function and a position in its source.

    `function` is the linkage name if DWARF has it; `line` 0 means unknown.
    """

    function: str
    file: str
    line: int


class SourceLines:
    """The DWARF of one program, which is read on demand. Raises `OstooError` if the program has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as stream:
                elf = ELFFile(stream)
                if not elf.has_dwarf_info(strict=True):  # tables for unwinding alone tell no lines
                    raise OstooError(
                        "the program has no debug information",
                        where=str(path),
                        remedy='set debug = "line-tables-only" in its Cargo profile',
                    )
                self._dwarf = elf.get_dwarf_info()
                # what the linker left out keeps its DWARF, at addresses from 0 on
                self._code = [_addresses(section) for section in elf.iter_sections() if _is_code(section)]
        except OSError as error:
            raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error
        except ELFError as error:
            raise OstooError(f"can't read it: {error}", where=str(path)) from error

    def frames(self, address: int) -> tuple[Frame, ...]:
        """Return the active functions at an address, innermost first; none if the source is unknown."""
        if not _covers(self._code, address):
            return ()
        try:
            unit = next((unit for unit, spans in self._units if _covers(spans, address)), None)
            return tuple(self._frames(unit, address)) if unit else ()
        except (DWARFError, ELFError, KeyError, ValueError) as error:
            raise OstooError(f"can't read its debug information: {error}", where=str(self._path)) from error

    @cached_property
    def _units(self) -> list[tuple[CompileUnit, list[range]]]:
        return [(unit, self._spans(unit.get_top_DIE())) for unit in self._dwarf.iter_CUs()]

    def _frames(self, unit: CompileUnit, address: int) -> Iterator[Frame]:
        file, line = self._row(unit, address)
        chain = self._chain(unit.get_top_DIE(), address)
        if file and not chain:  # with line tables only, LLVM leaves functions out that nothing was inlined into
            yield Frame("", file, line)
        for die in reversed(chain):
            yield Frame(_name(die), file, line)
            if die.tag == "DW_TAG_inlined_subroutine":
                file = self._file(unit, _value(die, "DW_AT_call_file", 0))
                line = _value(die, "DW_AT_call_line", 0)

    def _chain(self, top: DIE, address: int) -> list[DIE]:
        """Return the entries of the functions around an address, outermost first."""
        found: list[DIE] = []
        place: DIE | None = top
        while place is not None:
            place = next((die for die in place.iter_children() if self._is_at(die, address)), None)
            if place is not None and place.tag in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine"):
                found.append(place)
        return found

    def _is_at(self, die: DIE, address: int) -> bool:
        if die.tag in ("DW_TAG_namespace", "DW_TAG_structure_type"):
            return any(self._is_at(child, address) for child in die.iter_children())
        return _covers(self._spans(die), address)

    def _spans(self, die: DIE) -> list[range]:
        """Return the address ranges of an entry."""
        low = _value(die, "DW_AT_low_pc", 0)
        if "DW_AT_ranges" in die.attributes:
            return list(self._ranges(die, low))
        high = die.attributes.get("DW_AT_high_pc")
        if high is None:
            return []
        return [range(low, high.value if describe_form_class(high.form) == "address" else low + high.value)]

    def _ranges(self, die: DIE, base: int) -> Iterator[range]:
        if die.tag != "DW_TAG_compile_unit":
            base = _value(die.cu.get_top_DIE(), "DW_AT_low_pc", 0)
        lists: Any = self._dwarf.range_lists()  # two classes of one interface, of which one has less precise types
        entries = lists.get_range_list_at_offset(die.attributes["DW_AT_ranges"].value, die.cu) if lists else ()
        for entry in entries:
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            else:
                start = 0 if entry.is_absolute else base
                yield range(start + entry.begin_offset, start + entry.end_offset)

    def _row(self, unit: CompileUnit, address: int) -> tuple[str, int]:
        """Return file and line of an instruction (DWARF 4, 6.2)."""
        program = self._dwarf.line_program_for_CU(unit)
        before: Any = None
        for entry in program.get_entries() if program else ():
            state = entry.state
            if state is None:
                continue
            if before is not None and before.address <= address < state.address:
                return self._file(unit, before.file), before.line
            before = None if state.end_sequence else state
        return "", 0

    def _file(self, unit: CompileUnit, index: int) -> str:
        program = self._dwarf.line_program_for_CU(unit)
        if program is None:
            return ""
        header = program.header
        first = 0 if header.version >= _FILE_INDEX_FROM_0 else 1
        if not 0 <= index - first < len(header.file_entry):
            return ""
        entry = header.file_entry[index - first]
        folders = [b"", *header.include_directory] if first else header.include_directory
        folder = folders[entry.dir_index] if entry.dir_index < len(folders) else b""
        return b"/".join(part for part in (folder, entry.name) if part).decode("utf-8", "replace").removeprefix("./")


def _is_code(section: Section) -> bool:
    return bool(section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)


def _addresses(section: Section) -> range:
    return range(section["sh_addr"], section["sh_addr"] + section["sh_size"])


def _covers(spans: list[range], address: int) -> bool:
    return any(address in span for span in spans)


def _value(die: DIE, name: str, default: int) -> int:
    found = die.attributes.get(name)
    return int(found.value) if found is not None else default


def _name(die: DIE) -> str:
    """Return a function's linkage name, else its source name. An inlined function refers to the entry with both."""
    own = die.attributes.get("DW_AT_linkage_name") or die.attributes.get("DW_AT_name")
    if own is not None:
        return str(own.value.decode("utf-8", "replace"))
    for reference in ("DW_AT_abstract_origin", "DW_AT_specification"):
        if reference in die.attributes:
            return _name(die.get_DIE_from_attribute(reference))
    return ""
