from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from symbol_elfs import ARM, DATA, RISC_V, TEXT, X86, Linked, Sym, functions

from ostoo_build.binary import elf, symbol_table
from ostoo_build.stack import call_graph

if TYPE_CHECKING:
    from ostoo_build.stack.call_graph import FunctionStack


def routines(linked: Linked) -> dict[str, FunctionStack]:
    program = elf.parse(linked.unstripped())
    known = symbol_table.symbols(program)
    code = call_graph.code_of(program, symbol_table.functions(program, known))
    found = call_graph.function_stacks(program, code, symbol_table.frame_sizes(program))
    return {each.function.name: each for each in found}


def program(*code: str, machine: int = X86, frames: tuple[tuple[int, int], ...] = ()) -> Linked:
    text, symbols = functions(*code)
    return Linked(text, symbols, machine=machine, frames=frames)


def only(code: str, machine: int = X86) -> FunctionStack:
    return routines(program(code, machine=machine))["a"]


def calls(routine: FunctionStack) -> list[tuple[int | None, int]]:
    """Targets from the beginning of the code on, and costs."""
    return [(None if call.target is None else call.target - TEXT, call.cost) for call in routine.calls]


RET = "c3"


@pytest.mark.parametrize(
    ("machine", "code", "frame"),
    [
        pytest.param(X86, "c3", 0, id="nothing"),
        pytest.param(X86, "55 53 4883ec28 4883c428 5b 5d c3", 56, id="pushes and sub"),
        pytest.param(X86, "4883c480 4883ec80 c3", 128, id="add of a number below zero"),
        pytest.param(X86, "55 4889e5 4883ec40 c9 c3", 72, id="a frame pointer and leave"),
        pytest.param(X86, "55 4889e5 4883e4c0 4881ec00010000 4889ec 5d c3", 8 + 63 + 256, id="an aligned frame"),
        pytest.param(X86, "6a01 6a02 58 58 c3", 16, id="arguments that are pushed"),
        pytest.param(X86, "488d6424f0 488d642410 c3", 16, id="lea"),
        pytest.param(X86, "50 7401 c3 50 50 4883c418 c3", 24, id="the deeper of two ways"),
        pytest.param(ARM, "fd7bbda9 fd030091 ff4300d1 bf030091 fd7bc3a8 c0035fd6", 64, id="aarch64, frame pointer"),
        pytest.param(ARM, "ff0740d1 ff430091 ff0740d1 c0035fd6", 0x2000 - 16, id="aarch64, pages"),
        pytest.param(ARM, "0900a0d2 ff6329cb c0035fd6", 0, id="aarch64, by a register"),
        pytest.param(RISC_V, "0571 6161 8280", 480, id="risc-v"),
    ],
)
def test_the_frame_of_a_function_is_told_by_its_code(machine: int, code: str, frame: int) -> None:
    found = only(code, machine)
    assert found.frame == frame


def test_a_return_elsewhere_than_at_the_entrys_depth_is_not_known() -> None:
    assert only("50 c3").unknown == (f"a return with 8 bytes more or less of stack than at the entry, {TEXT + 1:#x}",)
    assert not only("50 58 c3").unknown


def test_a_call_costs_what_is_in_use_then_and_the_return_address() -> None:
    found = routines(program("4883ec18 e805000000 4883c418 c3", "50 58 c3"))["a"]
    assert calls(found) == [(0x0E, 24 + 8)]
    assert not found.unknown


def test_a_tail_call_costs_what_is_left_of_the_frame() -> None:
    found = routines(program("4883ec18 4883c418 eb00", RET))["a"]
    assert calls(found) == [(0x0A, 0)]


def test_stack_that_grows_in_a_loop_has_no_bound() -> None:
    assert only("50 ebfd").unknown == (f"stack that grows in a loop at {TEXT:#x}",)


def test_a_frame_of_any_size_is_not_known() -> None:
    found = only("55 4889e5 4829c4 c9 c3")
    assert found.unknown == (f"a stack pointer that can't be followed at {TEXT + 4:#x}: sub rsp, rax",)


def test_what_the_compiler_says_of_a_frame_stands_in_where_code_does_not_tell() -> None:
    found = routines(program("55 4889e5 4829c4 e802000000 c9 c3", RET, frames=((0, 5000),)))["a"]
    assert (found.frame, found.unknown, found.by_compiler) == (5000, (), True)
    assert calls(found) == [(0x0E, 5008)]


def test_the_larger_of_code_and_compiler_counts() -> None:
    assert routines(program("50 58 c3", frames=((0, 5000),)))["a"].frame == 5000
    assert routines(program("50 50 58 58 c3", frames=((0, 8),)))["a"].frame == 16


def test_behind_a_function_that_never_returns_nothing_is_walked() -> None:
    # a calls b, which ends in ud2; what follows in a would return at another depth
    found = routines(program("50 e801000000 c3", "0f0b"))
    assert not found["a"].unknown


def test_what_only_a_function_that_never_returns_is_followed_by_counts_all_the_same() -> None:
    # c is called by nobody but behind the call of b
    found = routines(program("50 e806000000 e804000000 c3", "0f0b 90", "50 58 c3"))["a"]
    assert 15 in [target for target, _ in calls(found)]


def test_a_function_returns_if_the_one_it_jumps_to_does() -> None:
    found = routines(program("50 e802000000 58 c3", "eb00", RET))
    assert calls(found["a"]) == [(8, 16)]
    assert not found["a"].unknown


def test_recursion_ends_the_walk() -> None:
    found = routines(program("7405 e8f9ffffff c3"))["a"]
    assert calls(found) == [(0, 8)]


def test_an_indirect_call_has_no_target() -> None:
    assert calls(only("50 ffd0 58 c3")) == [(None, 16)]


def test_an_indirect_jump_with_a_frame_stays_in_the_function() -> None:
    found = only("50 ffe0 58 c3")
    assert calls(found) == []
    assert not found.unknown


def test_an_indirect_jump_without_a_frame_is_a_tail_call() -> None:
    assert calls(only("ffe0")) == [(None, 0)]


def test_a_jump_through_a_table_of_the_function_is_none() -> None:
    table = (TEXT + 7).to_bytes(8, "little")
    text, symbols = functions("ff24c5" + DATA.to_bytes(4, "little").hex() + "50 58 c3")
    found = routines(Linked(text, symbols, data=table))["a"]
    assert (calls(found), found.frame) == ([], 8)


def test_a_table_of_other_functions_is_an_indirect_call() -> None:
    table = (TEXT + 7).to_bytes(8, "little")
    text, symbols = functions("ff24c5" + DATA.to_bytes(4, "little").hex(), RET)
    assert calls(routines(Linked(text, symbols, data=table))["a"]) == [(None, 0)]


def test_a_reckoned_jump_is_one_through_a_table() -> None:
    assert calls(only("4801c8 ffe0 c3")) == []


def test_a_way_into_the_middle_of_a_function_is_told_and_followed() -> None:
    found = routines(program("e802000000 c3", "55 50 58 5d c3"))
    assert calls(found["a"]) == [(6, 8)]
    assert found["a"].remarks == (f"a jump or call into the middle of b at {TEXT:#x}",)


def test_a_way_to_where_no_code_is_is_not_known() -> None:
    assert only("e8fbff0000 c3").unknown == (
        f"a jump or call to {TEXT + 0x10000:#x}, where there is no code, at {TEXT:#x}",
    )


def test_a_call_of_a_weak_symbol_that_nobody_defines_is_told() -> None:
    far = (-TEXT - 5).to_bytes(4, "little", signed=True).hex()
    found = only(f"e8{far} c3")
    assert found.remarks == (f"at {TEXT:#x} a call of an undefined weak symbol",)
    assert not found.unknown


def test_code_that_cant_be_decoded_is_told_where_control_comes_to_it() -> None:
    assert only("50 06 58 c3").unknown == (f"code that can't be decoded at {TEXT + 1:#x}",)
    assert not only("c3 06").unknown


def test_a_jump_into_an_instruction_is_told() -> None:
    assert only("eb01 b8c3000000 c3").unknown == (f"a jump into the middle of an instruction, to {TEXT + 3:#x}",)


def test_a_function_that_falls_into_the_next_one_enters_it() -> None:
    found = routines(program("50", "58 c3"))["a"]
    assert calls(found) == [(1, 8)]


def test_what_jumps_over_an_inner_symbol_reaches_it() -> None:
    text, symbols = functions("7501 c3 50 58 c3")
    found = routines(Linked(text, (*symbols, Sym("inner", 3, 3))))
    assert calls(found["a"]) == [(3, 0)]
    assert found["inner"].frame == 8


def test_code_without_a_symbol_is_walked_too() -> None:
    text = bytes.fromhex("e801000000 c3 50 58 c3")
    found = routines(Linked(text, (Sym("a", 0, 6),)))
    assert calls(found["a"]) == [(6, 8)]
    assert found[f"[code at {TEXT + 6:#x} without a symbol]"].frame == 8


def test_outlined_code_of_risc_v_gives_back_its_callers_frame() -> None:
    # a: addi16sp -16; auipc t0, 0; jalr t0, t0, 14; addi16sp -16; addi16sp 16; ret.  b: addi16sp 16; jr t0
    found = routines(program("4111 97020000 e782e200 4111 4101 8280", "4101 8282", machine=RISC_V))
    assert found["a"].frame == 16
    assert not found["a"].unknown
    assert not found["b"].unknown
