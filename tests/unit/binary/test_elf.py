import pytest
from elf_files import DATA, GOOD, HEADER, PHDR, SHDR, SHT_NOBITS, TEXT, patched, with_section

from ostoo_build.binary import elf

DATA_OF = GOOD.data()
SECTION_HEADERS = len(DATA_OF) - 3 * SHDR
NAMES_HEADER = len(DATA_OF) - SHDR

DAMAGED = {
    "empty": (b"", "it is not an ELF file"),
    "a script": (b"#!/bin/sh\n".ljust(100, b"#"), "it is not an ELF file"),
    "only the magic": (b"\x7fELF", "it is not an ELF file"),
    "an unknown class": (patched(DATA_OF, 4, "B", 3), "it is not an ELF file"),
    "an unknown byte order": (patched(DATA_OF, 5, "B", 0), "it is not an ELF file"),
    "half a file header": (DATA_OF[:40], "the file header (1 of 64 bytes) end beyond the end of the file"),
    "program headers outside": (
        patched(DATA_OF, 32, "Q", 1 << 63),
        "the program headers (4 of 56 bytes) end beyond the end of the file",
    ),
    "PN_XNUM program headers": (
        patched(DATA_OF, 56, "H", 0xFFFF),
        "the program headers (65535 of 56 bytes) end beyond the end of the file",
    ),
    "program headers of another size": (
        patched(DATA_OF, 54, "H", 32),
        "the size of a program header is given as 32 bytes instead of 56",
    ),
    "section headers of another size": (
        patched(DATA_OF, 58, "H", 1),
        "the size of a section header is given as 1 bytes instead of 64",
    ),
    "section headers outside": (
        patched(DATA_OF, 40, "Q", len(DATA_OF) - 100),
        "the section headers (3 of 64 bytes) end beyond the end of the file",
    ),
    "extended section numbering": (patched(DATA_OF, 60, "H", 0), "it has section headers, but their number is 0"),
    "names in no section": (
        patched(DATA_OF, 62, "H", 3),
        "section 3 is given for the section names, but there are 3 sections",
    ),
    "names outside": (
        patched(DATA_OF, NAMES_HEADER + 32, "Q", 1 << 40),
        "the section names are beyond the end of the file",
    ),
}


@pytest.mark.parametrize(("data", "what"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_told(data: bytes, what: str) -> None:
    with pytest.raises(elf.DamagedElfError) as caught:
        elf.parse(data)
    assert str(caught.value) == what


def parses(data: bytes) -> bool:
    try:
        elf.parse(data)
    except elf.DamagedElfError:
        return False
    return True


def test_a_file_cut_off_anywhere_is_damaged() -> None:
    taken = [length for length in range(len(DATA_OF) + 1) if parses(DATA_OF[:length])]
    assert taken == [len(DATA_OF)], "these lengths were taken for a whole file"


def test_segments_and_sections_are_read_as_written() -> None:
    program = elf.parse(DATA_OF)
    assert [segment.kind for segment in program.segments] == ["PT_LOAD", "PT_LOAD", "PT_LOAD", "PT_GNU_STACK"]
    assert [segment.address for segment in program.loads] == [0x200000, TEXT, DATA]
    assert program.contents(program.loads[2]) == b"data"
    assert [section.name for section in program.sections] == ["", ".text", ".shstrtab"]
    assert (program.headers_offset, program.headers_size) == (HEADER, 4 * PHDR)


def test_the_size_of_a_section_without_contents_is_never_believed() -> None:
    data = with_section(".bss", SHT_NOBITS).data()
    bss_header = len(data) - 2 * SHDR
    huge = patched(data, bss_header + 32, "Q", (1 << 64) - 1)
    assert elf.parse(huge).sections[2].name == ".bss"


def test_a_word_that_elf_does_not_have_stays_a_number() -> None:
    assert elf.parse(patched(DATA_OF, 18, "H", 0xFEED)).machine == str(0xFEED)


def test_names_may_end_with_the_file() -> None:
    at_the_end = patched(DATA_OF, NAMES_HEADER + 24, "QQ", len(DATA_OF) - 10, 10)
    assert [section.name for section in elf.parse(at_the_end).sections] == [""] * 3


def test_a_name_behind_the_names_is_empty() -> None:
    assert elf.parse(patched(DATA_OF, SECTION_HEADERS + SHDR, "I", 0xFFFFFFFF)).sections[1].name == ""
