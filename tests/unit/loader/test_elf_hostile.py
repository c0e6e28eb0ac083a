"""Whatever a file holds, its check ends soon, with a verdict and with little memory."""

import os
import re
import struct
import sys
from pathlib import Path

import pytest
from elf_files import (
    CONTRACT,
    CONTRACT_FILE,
    GOOD,
    HEADER,
    PHDR,
    PT_LOAD,
    SHDR,
    SHT_DYNAMIC,
    SHT_NOBITS,
    SHT_PROGBITS,
    SHT_RELA,
    SHT_SYMTAB,
    START,
    STD,
    TEXT,
    Part,
    R,
    X,
    no_symbols,
    patched,
    with_part,
    with_section,
    with_text,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.loader import check as loader_check

PACKAGE = Path(__file__).parents[3] / "site_scons"
GOOD_DATA = GOOD.data()
HUGE = (1 << 64) - 1
LARGEST_FILE = 768 << 10
SECONDS = 10
"""Of processor time: what grows with the square of a file takes minutes, and a busy machine half as much again."""
BYTES = 200 << 20

LIMITED_CHECK = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, ({BYTES}, {BYTES}))
from pathlib import Path
from ostoo_build.loader import check as elf_check; from ostoo_build.loader import contract as loader_contract
from ostoo_build.loader.rule import ProgramFacts
from ostoo_build.binary.functions import Symbols
contract = loader_contract.load(Path(sys.argv[1]))
program = ProgramFacts("hostile", uses_std=True, size_budget=None, private_folders=("/home/me",))
try:
    elf_check.verify(Path(sys.argv[2]), contract, program, lambda: Symbols(()))
except elf_check.OstooError as error:
    print(error.what)
else:
    print("fits")
"""


def second_section_header(data: bytes) -> int:
    return len(data) - 2 * SHDR


def with_section_size(name: str, kind: int, size: int, entry_size: int) -> bytes:
    data = with_section(name, kind).data()
    start = second_section_header(data)
    return patched(patched(data, start + 32, "Q", size), start + 56, "Q", entry_size)


def compressed_section() -> bytes:
    data = with_section(".debug_info", SHT_PROGBITS).data()
    shf_compressed = 1 << 11
    return patched(data, second_section_header(data) + 8, "Q", shf_compressed)


def many_segments_of_the_same_code() -> bytes:
    count = 6000
    code = b"\x90" * (LARGEST_FILE - HEADER - (count + 1) * PHDR - 4 * SHDR)
    first = Part(PT_LOAD, R | X, TEXT, code)
    same = replace(first, contents=b"", offset=HEADER + (count + 1) * PHDR, file_size=len(code), memory_size=len(code))
    return replace(GOOD, parts=(first, *(same for _ in range(count - 1)))).data()


HOSTILE = {
    "a symbol table of one-byte entries": with_section_size(".symtab", SHT_SYMTAB, HUGE, 1),
    "relocations of one-byte entries": with_section_size(".rela.dyn", SHT_RELA, HUGE, 1),
    "a dynamic section of one-byte entries": with_section_size(".dynamic", SHT_DYNAMIC, HUGE, 1),
    "a section without contents of 16 EiB": with_section_size(".bss", SHT_NOBITS, HUGE, 0),
    "a compressed section": compressed_section(),
    "code of one-byte instructions": with_text(START + b"\x90" * (LARGEST_FILE - 1000)).data(),
    "code that is none": with_text(START + b"\x06" * (LARGEST_FILE - 1000)).data(),
    "code of prefixes": with_text(START + b"\x66" * (LARGEST_FILE - 1000)).data(),
    "code of AVX": with_text(START + b"\xc5\xf8\x77" * (LARGEST_FILE // 4)).data(),
    "6000 segments of the same code": many_segments_of_the_same_code(),
    "as many segments as fit": replace(GOOD, parts=(Part(PT_LOAD, R | X, TEXT),) * 14_000).data(),
    "as many sections as fit": replace(GOOD, sections=((".rela", SHT_RELA),) * 11_000).data(),
    "segments as far as numbers go": with_part(
        Part(PT_LOAD, R, HUGE, offset=HUGE, file_size=HUGE, memory_size=HUGE)
    ).data(),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_gets_its_verdict_in_little_time_and_memory(tmp_path: Path, data: bytes) -> None:
    assert len(data) <= LARGEST_FILE
    path = tmp_path / "hostile"
    path.write_bytes(data)
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    done = process.run([sys.executable, "-c", LIMITED_CHECK, str(CONTRACT_FILE), str(path)], cwd=tmp_path, env=env)
    assert done.stderr == b""
    assert done.returncode == 0
    assert done.stdout.startswith((b"hostile does not fit the loader of ostoo:", b"fits"))


def verdict(path: Path) -> set[str]:
    try:
        return set(loader_check.verify(path, CONTRACT, STD, no_symbols).rules)
    except OstooError as error:
        return set(re.findall(r"^([a-z-]+), ", error.what, re.MULTILINE))


INTERESTING = st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFFFF, 0x10000, 1 << 31, 1 << 47, 1 << 63, HUGE - 0xFFF, HUGE])
FIELDS = st.tuples(st.integers(0, len(GOOD_DATA) - 8), st.sampled_from("BHIQ"), INTERESTING | st.integers(0, HUGE))


@settings(deadline=None, max_examples=500)
@given(st.lists(FIELDS, max_size=6), st.integers(0, len(GOOD_DATA)) | st.just(len(GOOD_DATA)))
def test_every_mutant_gets_a_verdict(
    tmp_path_factory: pytest.TempPathFactory, fields: list[tuple[int, str, int]], length: int
) -> None:
    data = GOOD_DATA
    for offset, layout, value in fields:
        data = patched(data, offset, layout, value % (1 << 8 * struct.calcsize(layout)))
    path = tmp_path_factory.getbasetemp() / "mutant"
    path.write_bytes(data[:length])
    rules = verdict(path)
    assert rules
    assert rules <= set(CONTRACT.reasons)
