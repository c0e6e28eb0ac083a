import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.binary import disassembly
from ostoo_build.loader import syscalls as static_syscalls

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


PIECES = ("b83c000000", "31c0", "0f05", "7402", "ebf7", "90", "e800000000", "4889fe", "6a09 58", "c3", "b001")
"""Instructions that set a number, make a call, jump, or are in between."""


@given(st.lists(st.sampled_from(PIECES), max_size=60), st.integers(1, 9))
def test_portions_make_no_difference(pieces: list[str], at_once: int) -> None:
    code = "".join(pieces)
    whole = numbers(code)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disassembly, "_AT_ONCE", at_once)
        assert numbers(code) == whole
