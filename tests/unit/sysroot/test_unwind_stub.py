import io
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from ostoo_build.binary import ar
from ostoo_build.sysroot import contract as sysroot_contract
from ostoo_build.sysroot import unwind_stub

(STUB,) = ar.read(unwind_stub.library("EM_X86_64"), "libunwind.a")


MOV_EAX_5_RET = "b805000000c3"
XOR_EAX_EAX_RET = "31c0c3"


def code(name: str) -> str:
    elf: Any = ELFFile(io.BytesIO(STUB.data))
    (symbol,) = elf.get_section_by_name(".symtab").get_symbol_by_name(name)
    start = symbol["st_value"]
    text: bytes = elf.get_section_by_name(".text").data()[start : start + symbol["st_size"]]
    return text.hex()


def test_the_stub_is_an_object_of_the_machine_with_all_symbols_in_the_index() -> None:
    machine = sysroot_contract.MACHINES["x86_64"]
    assert sysroot_contract.read_object(STUB.data, machine, "unwind.o").symbols == tuple(unwind_stub.SYMBOLS)
    assert all(name.encode() in unwind_stub.library("EM_X86_64")[:600] for name in unwind_stub.SYMBOLS)


@pytest.mark.parametrize("name", ["_Unwind_Backtrace", "_Unwind_RaiseException"])
def test_unwinding_is_at_the_end_of_the_stack_at_once(name: str) -> None:
    assert code(name) == MOV_EAX_5_RET


@pytest.mark.parametrize("name", sorted(unwind_stub.SYMBOLS.keys() - {"_Unwind_Backtrace", "_Unwind_RaiseException"}))
def test_all_else_returns_nothing(name: str) -> None:
    assert code(name) == XOR_EAX_EAX_RET
