from __future__ import annotations

import pytest
from symbol_elfs import ARM, RISC_V, TEXT, X86, Linked, functions

from ostoo_build.binary import elf, symbol_table
from ostoo_build.stack import address_taken, call_graph


def taken(machine: int, *code: str, data: bytes = b"") -> list[str]:
    text, symbols = functions(*code)
    program = elf.parse(Linked(text, symbols, data or b"data", machine=machine).unstripped())
    found = call_graph.code_of(program, symbol_table.functions(program, symbol_table.symbols(program)))
    names = {each.function.address: each.function.name for each in found}
    return sorted(names[address] for address in address_taken.taken(program, found))


def test_an_address_in_memory_is_taken_wherever_it_lies() -> None:
    assert taken(X86, "c3", "c3", data=b"abc" + (TEXT + 1).to_bytes(8, "little") + b"d") == ["b"]
    assert taken(X86, "c3", "c3", data=(TEXT + 1).to_bytes(4, "little") + b"more") == []


def test_a_call_takes_no_address() -> None:
    assert taken(X86, "e801000000 c3", "c3") == []
    assert taken(ARM, "02000094 c0035fd6", "c0035fd6") == []
    assert taken(RISC_V, "97000000 e7800001 8280 0100 0100", "8280") == []


@pytest.mark.parametrize(
    ("machine", "code"),
    [
        pytest.param(X86, "488d0501000000 c3", id="lea of a distance"),
        pytest.param(X86, "bf06102000 c3", id="mov"),
        pytest.param(X86, "6806102000 c3", id="push"),
        pytest.param(ARM, "40000010 c0035fd6", id="adr"),
        pytest.param(ARM, "00000090 00300091 c0035fd6", id="adrp and add"),
        pytest.param(ARM, "80018252 0004a072 c0035fd6", id="mov and movk"),
        pytest.param(RISC_V, "17050000 13058500", id="auipc and addi"),
        pytest.param(RISC_V, "37152000 13058500", id="lui and addi"),
    ],
)
def test_an_address_that_code_makes_is_taken(machine: int, code: str) -> None:
    assert "b" in taken(machine, code, "c3c3c3c3")
