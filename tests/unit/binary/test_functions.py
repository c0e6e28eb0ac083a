from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from symbol_elfs import OBJECT, TEXT, Linked, Sym

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions
from ostoo_build.binary.functions import Function, Symbols

if TYPE_CHECKING:
    from pathlib import Path

FUNCTIONS = Symbols((Function(100, 10, "first"), Function(110, 0, "mark"), Function(120, 5, "last")))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (99, ""),
        (100, "first+0x0"),
        (109, "first+0x9"),
        (110, "mark+0x0"),
        (111, ""),
        (119, ""),
        (124, "last+0x4"),
        (125, ""),
        (0, ""),
        (1 << 64, ""),
    ],
)
def test_an_address_is_in_the_function_that_holds_it(address: int, said: str) -> None:
    assert FUNCTIONS.at(address) == said


SIZES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=6)


@given(SIZES, st.integers(0, 80))
def test_an_address_is_found_as_by_looking_at_each(layout: list[tuple[int, int]], address: int) -> None:
    made: list[Function] = []
    at = 0
    for gap, size in layout:
        made.append(Function(at + gap, size, str(len(made))))
        at += gap + max(size, 1)
    holding = [each for each in made if each.address <= address < each.address + max(each.size, 1)]
    assert Symbols(tuple(made)).around(address) == (holding[0] if holding else None)


def test_the_functions_of_a_program_are_read_by_address(tmp_path: Path) -> None:
    symbols = (Sym("later", 4, 2), Sym("data", 0, 4, OBJECT, in_data=True), Sym("early", 0, 4))
    _, unstripped = Linked(b"\x90" * 6, symbols).write(tmp_path)
    assert functions.load(unstripped).functions == (Function(TEXT, 4, "early"), Function(TEXT + 4, 2, "later"))


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"text"])
def test_what_is_no_intact_program_is_one_message(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(content)
    with pytest.raises(OstooError, match="damaged ELF file") as caught:
        functions.load(path)
    assert caught.value.where == str(path)


def test_code_is_counted_by_crate_each_address_once() -> None:
    named = "_RNvCs1234_7mycrate4main"
    code = Symbols(
        (
            Function(0, 10, named),
            Function(0, 10, named.replace("4main", "4more")),
            Function(20, 5, "_RNvCs1234_5other1f"),
            Function(30, 7, "memcpy"),
        )
    )
    assert code.bytes_by_crate() == {"mycrate": 10, "other": 5}
