from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symbol_elfs import DATA, FILE, NOTYPE, OBJECT, TEXT, Linked, Sym, functions

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import elf, symbol_table
from ostoo_build.binary.elf import DamagedElfError
from ostoo_build.stack import report as stack_report

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = Linked(
    *functions("55 5d c3", "e8f8ffffff c3"),
    frames=((0, 8), (3, 300)),
    data=b"0123456789",
)


def names(linked: Linked) -> list[tuple[str, int, int]]:
    program = elf.parse(linked.unstripped())
    found = symbol_table.functions(program, symbol_table.symbols(program))
    return [(each.name, each.address - TEXT, each.size) for each in found]


def test_symbols_are_read_with_the_file_that_they_are_from() -> None:
    symbols = (
        Sym("start.c", kind=FILE),
        Sym("local", 0, 3),
        Sym("shown", 3, 2, is_local=False),
        Sym("value", 1, 4, OBJECT, in_data=True),
        Sym(".Lpcrel_hi1", 1, 0, NOTYPE),
    )
    found = symbol_table.symbols(elf.parse(Linked(b"\xc3" * 5, symbols).unstripped()))
    assert [(each.name, each.kind, each.address, each.size, each.file) for each in found] == [
        ("local", "STT_FUNC", TEXT, 3, "start.c"),
        ("shown", "STT_FUNC", TEXT + 3, 2, ""),
        ("value", "STT_OBJECT", DATA + 1, 4, "start.c"),
    ]


def test_a_stripped_program_has_none() -> None:
    assert symbol_table.symbols(elf.parse(EXAMPLE.stripped())) == ()


def test_what_the_compiler_says_of_frames_is_read() -> None:
    assert symbol_table.frame_sizes(elf.parse(EXAMPLE.unstripped())) == {TEXT: 8, TEXT + 3: 300}


@pytest.mark.parametrize(
    ("symbols", "found"),
    [
        ((Sym("a", 0, 4), Sym("b", 4, 4)), [("a", 0, 4), ("b", 4, 4)]),
        pytest.param((Sym("a", 0, 3), Sym("b", 6, 2)), [("a", 0, 3), ("", 3, 3), ("b", 6, 2)], id="a gap"),
        pytest.param((Sym("a"), Sym("b", 4)), [("a", 0, 4), ("b", 4, 4)], id="without sizes"),
        pytest.param((Sym("a", 0, 8), Sym("b", 2, 2)), [("a", 0, 2), ("b", 2, 2), ("", 4, 4)], id="one in another"),
        pytest.param((Sym("a", 2, 99),), [("", 0, 2), ("a", 2, 6)], id="too long"),
        pytest.param((Sym("b", 0, 8), Sym("a", 0, 4, is_local=False)), [("a", 0, 8)], id="two names"),
        pytest.param((), [("", 0, 8)], id="none"),
    ],
)
def test_each_byte_of_code_is_in_one_function(symbols: tuple[Sym, ...], found: list[tuple[str, int, int]]) -> None:
    shown = [
        ("" if name.startswith("[code at ") else name, at, size)
        for name, at, size in names(Linked(b"\xc3" * 8, symbols))
    ]
    assert shown == found


def test_a_frame_that_is_cut_off_is_told() -> None:
    data = EXAMPLE.unstripped()
    at = data.index(TEXT.to_bytes(8, "little") + b"\x08")
    with pytest.raises(DamagedElfError, match="cut off"):
        symbol_table.frame_sizes(elf.parse(data[: at + 8] + b"\xff" * 11 + data[at + 19 :]))


@pytest.mark.parametrize(
    ("contents", "message"),
    [(b"", "damaged ELF file"), (b"\x7fELF\1\1" + bytes(60), "only 64-bit little-endian"), (None, "can't read")],
)
def test_a_file_that_is_no_program_is_told(tmp_path: Path, contents: bytes | None, message: str) -> None:
    path = tmp_path / "example"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(OstooError, match=message):
        symbol_table.read_program(path)


@settings(deadline=None)
@given(st.data())
def test_a_hostile_program_gets_a_report_or_a_message(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(EXAMPLE.unstripped())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        size = data.draw(st.sampled_from((1, 2, 4, 8)))
        filler = data.draw(st.sampled_from((b"\xff", b"\0", b"\x01", b"\x80", bytes([whole[at] ^ 1]))))
        whole[at : at + size] = (filler * size)[: len(whole[at : at + size])]
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    with contextlib.suppress(OstooError):  # any other exception is a mistake of ours
        assert stack_report.table(stack_report.analyse(path, "hostile", None))
