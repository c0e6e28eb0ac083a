from __future__ import annotations

import struct

import elf_files
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ostoo_build.binary import entry

PROGRAM = elf_files.GOOD


def small(entry_point: int, order: str) -> bytes:
    """A program of 32 bits with one executable segment at 0x1000, as large as a page."""
    ident = b"\x7fELF" + bytes([1, 1 if order == "<" else 2, 1]).ljust(12, b"\0")
    header = struct.pack(f"{order}2H5I6H", 2, 3, 1, entry_point, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return ident + header + struct.pack(f"{order}8I", 1, 0, 0x1000, 0x1000, 0x1000, 0x1000, 5, 0)


def test_a_program_begins_within_its_code() -> None:
    assert not entry.is_missing(PROGRAM.data())
    assert entry.is_missing(replace(PROGRAM, entry=0).data())
    assert entry.is_missing(replace(PROGRAM, entry=elf_files.DATA).data()), "data is not run"


@pytest.mark.parametrize("order", "<>")
def test_both_classes_and_both_byte_orders_are_read(order: str) -> None:
    assert not entry.is_missing(small(0x1000, order))
    assert entry.is_missing(small(0, order))
    assert entry.is_missing(small(0x2000, order))


def test_a_file_of_another_format_is_not_judged() -> None:
    assert not entry.is_missing(b"\x90\x90\xc3")


@given(st.binary(max_size=80))
def test_a_damaged_file_gets_a_verdict(rest: bytes) -> None:
    assert entry.is_missing(b"\x7fELF" + rest)
