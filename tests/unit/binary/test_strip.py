"""What is removed, by files as linkers write them; `test_elf_real` compares whole programs with LLD's."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ostoo_build.binary import elf, strip
from ostoo_build.binary.elf import DamagedElfError

PROGBITS, SYMTAB, STRTAB, RELA, NOBITS = 1, 2, 3, 4, 8
ALLOC = 2
FORMS = {32: ("16sHHIIIIIHHHHHH", "IIIIIIIIII", "IIIIIIII"), 64: ("16sHHIQQQIHHHHHH", "IIQQQQIIQQ", "IIQQQQQQ")}


class Made(Struct, frozen=True):
    """A section of a file to be made."""

    name: str
    kind: int = PROGBITS
    flags: int = 0
    content: bytes = b""
    link: str = ""
    alignment: int = 1


USUAL = (
    Made(".text", flags=ALLOC, content=b"code", alignment=16),
    Made(".comment", content=b"LLD\0"),
    Made(".debug_info", content=b"debug" * 9),
    Made(".stack_sizes", content=b"12", link=".text"),
    Made(".symtab", SYMTAB, content=b"s" * 48, link=".strtab", alignment=8),
    Made(".shstrtab", STRTAB),
    Made(".strtab", STRTAB, content=b"\0main\0"),
)


def linked(sections: tuple[Made, ...], bits: int = 64, order: str = "<") -> bytes:
    """A file with these sections, one behind the other, and a segment of those that are loaded."""
    header, section, segment = (order + form for form in FORMS[bits])
    names = b"".join(each.name.encode() + b"\0" for each in (Made(""), *sections))
    numbers = {each.name: number for number, each in enumerate(sections, 1)}
    content, rows = bytearray(struct.calcsize(header) + struct.calcsize(segment)), [(0,) * 10]
    for each in sections:
        text = names if each.name == ".shstrtab" else each.content
        content += bytes(-len(content) % each.alignment)
        start, link = names.index(each.name.encode() + b"\0"), numbers.get(each.link, 0)
        rows.append((start, each.kind, each.flags, 0, len(content), len(text), link, 0, each.alignment, 0))
        content += b"" if each.kind == NOBITS else text
    content += bytes(-len(content) % (bits // 8))
    loaded = max((row[4] + row[5] for row in rows if row[2]), default=0)
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    sizes = (struct.calcsize(header), struct.calcsize(segment), 1, struct.calcsize(section), len(rows))
    begin = (ident, 2, 62, 1, 0, struct.calcsize(header), len(content), 0, *sizes, numbers[".shstrtab"])
    struct.pack_into(header, content, 0, *begin)
    fields = (1, 5, 0, 0, 0, loaded, loaded, 1) if bits == 64 else (1, 0, 0, 0, loaded, loaded, 5, 1)
    struct.pack_into(segment, content, struct.calcsize(header), *fields)
    return bytes(content) + b"".join(struct.pack(section, *row) for row in rows)


def left(data: bytes) -> dict[str, bytes]:
    known = elf.parse(data)
    return {each.name: data[each.offset : each.offset + each.size] for each in known.sections[1:]}


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_symbols_and_debug_information_go_and_everything_else_stays(bits: int, order: str) -> None:
    found = strip.stripped(linked(USUAL, bits, order))
    assert found == linked(
        tuple(each for each in USUAL if each.name in (".text", ".comment", ".shstrtab")), bits, order
    )


def test_what_has_nothing_to_remove_stays_as_it_is() -> None:
    once = strip.stripped(linked(USUAL))
    assert strip.stripped(once) == once


def test_a_program_without_section_headers_stays_as_it_is() -> None:
    data = bytearray(linked(USUAL))
    struct.pack_into("<Q", data, 0x28, 0)
    struct.pack_into("<HH", data, 0x3C, 0, 0)
    assert strip.stripped(bytes(data)) == bytes(data)


def test_what_is_loaded_is_kept_whatever_its_name_is() -> None:
    own = (Made(".debug_mine", flags=ALLOC, content=b"loaded"), *USUAL)
    assert left(strip.stripped(linked(own)))[".debug_mine"] == b"loaded"


def test_relocations_go_with_the_symbols_that_they_name() -> None:
    kept = Made(".rela.other", RELA, content=b"r" * 24, link=".text")
    own = (*USUAL, Made(".rela.text", RELA, content=b"r" * 24, link=".symtab"), kept)
    assert left(strip.stripped(linked(own))).keys() == {".text", ".comment", ".shstrtab", ".rela.other"}


def test_a_section_among_loaded_ones_stays_in_its_place() -> None:
    own = (Made(".note", content=b"note"), *USUAL)
    found = strip.stripped(linked(own))
    assert left(found)[".note"] == b"note"
    assert elf.parse(found).loads == elf.parse(linked(own)).loads


SECTIONS = st.lists(
    st.builds(
        Made,
        name=st.sampled_from([".a", ".b", ".debug_c", ".debug_d", ".e", ".bss"]),
        kind=st.sampled_from([PROGBITS, NOBITS]),
        flags=st.sampled_from([0, ALLOC]),
        content=st.binary(max_size=9),
        alignment=st.sampled_from([1, 4, 16]),
    ),
    unique_by=lambda made: made.name,
)


@given(sections=SECTIONS, bits=st.sampled_from([32, 64]), order=st.sampled_from("<>"))
def test_whatever_stays_has_its_contents(sections: list[Made], bits: int, order: str) -> None:
    own = tuple(sorted(sections, key=lambda made: made.flags == 0)) + USUAL[3:]
    before = linked(own, bits, order)
    found = left(strip.stripped(before))
    gone = {each.name for each in own if not each.flags and each.name.startswith(".debug")}
    gone |= {".stack_sizes", ".symtab", ".strtab"}
    assert found.keys() == {each.name for each in own} - gone
    for each in own:
        if each.name in found and each.kind == PROGBITS:
            assert found[each.name] == each.content
    assert len(strip.stripped(before)) <= len(before)


def test_damage_is_told() -> None:
    with pytest.raises(DamagedElfError):
        strip.stripped(linked(USUAL)[:100])
