from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.binary import disassembly
from ostoo_build.loader import syscalls as static_syscalls

if TYPE_CHECKING:
    from collections.abc import Callable

Branch: TypeAlias = "Callable[[int], bytes]"
"""Returns a branch over a distance in bytes from its own beginning."""

X86, ARM, RISCV = "EM_X86_64", "EM_AARCH64", "EM_RISCV"


def numbers(code: str, machine: str = X86) -> list[int | None]:
    collector = static_syscalls.SyscallCollector(machine, 0x1000)
    for listing in disassembly.listings(bytes.fromhex(code), machine):
        collector.take(listing)
    return [site.number for site in collector.sites()]


@pytest.mark.parametrize(
    ("code", "number"),
    [
        pytest.param("b83c000000 0f05", 60, id="mov eax"),
        pytest.param("31c0 0f05", 0, id="xor eax, eax"),
        pytest.param("48c7c0e7000000 0f05", 231, id="mov rax"),
        pytest.param("6a09 58 0f05", 9, id="push and pop, as -Os writes it"),
        pytest.param("bb0c000000 4889d8 0f05", 12, id="from another register"),
        pytest.param("6aff 58 0f05", -1, id="a number below zero"),
        pytest.param("bb0c000000 e800000000 89d8 0f05", 12, id="from a register that a call keeps"),
        pytest.param("b83c000000 4889fe 31d2 0f05", 60, id="with arguments in between"),
        pytest.param("b83c000000 7502 4889fe 0f05", 60, id="behind a branch that leads elsewhere"),
    ],
)
def test_a_number_that_stands_before_the_call_is_known(code: str, number: int) -> None:
    assert numbers(code) == [number]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("0f05", id="nothing before it"),
        pytest.param("4889f8 0f05", id="an argument"),
        pytest.param("b83c000000 3ee900000000 0f05", id="a jump with a prefix leads to the call"),
        pytest.param("b83c000000 b001 0f05", id="a part of the register is written"),
        pytest.param("b83c000000 e800000000 0f05", id="a function call in between"),
        pytest.param("b83c000000 f2e800000000 0f05", id="a function call with a prefix"),
        pytest.param("b83c000000 3effd1 0f05", id="a call that is not tracked"),
        pytest.param("b83c000000 41ff19 0f05", id="a far call"),
        pytest.param("b83c000000 cd80 0f05", id="a call of the kernel as of old"),
        pytest.param("b83c000000 f2eb00 0f05", id="a jump with a prefix in between"),
        pytest.param("b83c000000 480f07 0f05", id="an end of a system call"),
        pytest.param("b83c000000 cc 0f05", id="a trap in between"),
        pytest.param("b83c000000 ffc8 0f05", id="it is reckoned with"),
        pytest.param("b83c000000 c3 0f05", id="the code before it returns"),
        pytest.param("b83c000000 480f44c1 0f05", id="cmov"),
        pytest.param("b83c000000 99 f7f9 0f05", id="a division"),
        pytest.param("58 0f05", id="pop alone"),
    ],
)
def test_a_number_that_may_be_another_is_not_known(code: str) -> None:
    assert numbers(code) == [None]


def test_a_jump_between_number_and_call_hides_it() -> None:
    # mov eax, 1; test edi, edi; je +5 (to the call); mov eax, 60; syscall
    assert numbers("b801000000 85ff 7405 b83c000000 0f05") == [None]


def test_a_later_jump_back_to_the_call_hides_its_number() -> None:
    # mov eax, 60; syscall; mov eax, 1; jmp to the syscall
    assert numbers("b83c000000 0f05 b801000000 ebf7") == [None]


def test_a_call_ends_what_was_known() -> None:
    assert numbers("b83c000000 0f05 0f05") == [60, None]


@pytest.mark.parametrize(
    ("machine", "code", "found"),
    [
        (ARM, "a80b8052 010000d4", [93]),
        (ARM, "880b8052 e80300aa 010000d4", [None]),
        (RISCV, "9308d005 73000000", [93]),
        (RISCV, "aa88 73000000", [None]),
        (RISCV, "9308d005 13050000 6ff0dfff 73000000", [None]),
    ],
)
def test_other_processors_have_registers_of_their_own(machine: str, code: str, found: list[int | None]) -> None:
    assert numbers(code, machine) == found


def _of_x86(code: str, width: int) -> Branch:
    head = bytes.fromhex(code)
    return lambda distance: head + (distance - len(head) - width).to_bytes(width, "little", signed=True)


def _of_arm(code: int, shift: int, bits: int) -> Branch:
    return lambda distance: (code | (distance // 4 & (1 << bits) - 1) << shift).to_bytes(4, "little")


def _scattered(code: int, size: int, *places: tuple[int, int]) -> Branch:
    """Of RISC-V: a bit of the distance, and where it is in the instruction."""
    return lambda distance: (code | sum((distance >> bit & 1) << to for bit, to in places)).to_bytes(size, "little")


def _bits(first: int, last: int, to: int) -> tuple[tuple[int, int], ...]:
    return tuple((bit, to + bit - first) for bit in range(first, last + 1))


_FAR = (*_bits(1, 10, 21), (11, 20), *_bits(12, 19, 12), (20, 31))
_NEAR = ((11, 7), *_bits(1, 4, 8), *_bits(5, 10, 25), (12, 31))
_SHORT = (*_bits(1, 3, 3), (4, 11), (5, 2), (6, 7), (7, 6), *_bits(8, 9, 9), (10, 8), (11, 12))
_SHORTEST = (*_bits(1, 2, 3), *_bits(3, 4, 10), (5, 2), *_bits(6, 7, 5), (8, 12))
BRANCHES: dict[str, tuple[str, Branch]] = {
    "jmp": (X86, _of_x86("eb", 1)),
    "jmp, far": (X86, _of_x86("e9", 4)),
    "je": (X86, _of_x86("74", 1)),
    "je, far": (X86, _of_x86("0f84", 4)),
    "je, predicted": (X86, _of_x86("3e0f84", 4)),
    "bnd jmp": (X86, _of_x86("f2e9", 4)),
    "loop": (X86, _of_x86("e2", 1)),
    "jrcxz": (X86, _of_x86("e3", 1)),
    "b": (ARM, _of_arm(0x14000000, 0, 26)),
    "b.ne": (ARM, _of_arm(0x54000001, 5, 19)),
    "cbz": (ARM, _of_arm(0x34000001, 5, 19)),
    "tbnz": (ARM, _of_arm(0x37180002, 5, 14)),
    "j": (RISCV, _scattered(0x6F, 4, *_FAR)),
    "beq": (RISCV, _scattered(0x00B50063, 4, *_NEAR)),
    "bnez": (RISCV, _scattered(0x00051063, 4, *_NEAR)),
    "c.j": (RISCV, _scattered(0xA001, 2, *_SHORT)),
    "c.beqz": (RISCV, _scattered(0xC101, 2, *_SHORTEST)),
}
CODE = {
    X86: ("90", "b83c000000", "0f05", "c3"),
    ARM: ("1f2003d5", "a80b8052", "010000d4", "c0035fd6"),
    RISCV: ("13000000", "9308d005", "73000000", "67800000"),
}
"""An instruction that does nothing, one that sets a number, a call, and a return."""


@pytest.mark.parametrize("name", BRANCHES)
@given(st.integers(0, 4), st.integers(0, 4), st.data())
def test_a_branch_hides_a_number_if_it_leads_behind_what_sets_it(
    name: str, before: int, between: int, data: st.DataObject
) -> None:
    machine, branch = BRANCHES[name]
    nothing, sets, calls, returns = CODE[machine]
    parts = [*[nothing] * before, sets, *[nothing] * between, calls, returns]
    starts = [len(bytes.fromhex("".join(parts[:count]))) for count in range(len(parts))]
    to = data.draw(st.sampled_from(range(len(parts))))
    end = len(bytes.fromhex("".join(parts)))
    is_hidden = before < to <= before + between + 1
    known = numbers("".join(parts) + branch(starts[to] - end).hex(), machine)
    assert known == [None if is_hidden else {X86: 60}.get(machine, 93)]


PIECES = ("b83c000000", "31c0", "0f05", "7402", "ebf7", "90", "e800000000", "4889fe", "6a09 58", "c3", "b001")
"""Instructions that set a number, make a call, jump, or are in between."""


@given(st.lists(st.sampled_from(PIECES), max_size=60), st.integers(1, 9))
def test_portions_make_no_difference(pieces: list[str], at_once: int) -> None:
    code = "".join(pieces)
    whole = numbers(code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disassembly, "_AT_ONCE", at_once)
        assert numbers(code) == whole
