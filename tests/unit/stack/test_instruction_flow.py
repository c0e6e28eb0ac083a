"""From bytes on, so that a decoder that spells an instruction otherwise is noticed."""

from __future__ import annotations

import pytest

from ostoo_build.binary import disassembly
from ostoo_build.stack import instruction_flow
from ostoo_build.stack.instruction_flow import Flow, Step, steps

X86, ARM, RISC_V = "EM_X86_64", "EM_AARCH64", "EM_RISCV"
BEGIN = 0x1000


def decoded(code: str, machine: str) -> list[Step]:
    return list(steps(disassembly.decode(bytes.fromhex(code), machine, BEGIN), machine))


CASES: list[tuple[str, str, Flow, int | None]] = [
    (X86, "90", Flow.NEXT, None),
    (X86, "e8fb000000", Flow.CALL, 0x1100),
    (X86, "ffd0", Flow.CALL, None),
    (X86, "ebfe", Flow.JUMP, 0x1000),
    (X86, "e9fb000000", Flow.JUMP, 0x1100),
    (X86, "ffe0", Flow.JUMP, None),
    (X86, "3effe0", Flow.JUMP, None),
    (X86, "740e", Flow.BRANCH, 0x1010),
    (X86, "e20e", Flow.BRANCH, 0x1010),
    (X86, "c3", Flow.RETURN, None),
    (X86, "f3c3", Flow.RETURN, None),
    (X86, "48cf", Flow.RETURN, None),
    (X86, "0f0b", Flow.STOP, None),
    (X86, "cc", Flow.STOP, None),
    (X86, "f4", Flow.STOP, None),
    (X86, "06", Flow.INVALID, None),
    (ARM, "1f2003d5", Flow.NEXT, None),
    (ARM, "40000094", Flow.CALL, 0x1100),
    (ARM, "00003fd6", Flow.CALL, None),
    (ARM, "40000014", Flow.JUMP, 0x1100),
    (ARM, "00001fd6", Flow.JUMP, None),
    (ARM, "80000054", Flow.BRANCH, 0x1010),
    (ARM, "800000b4", Flow.BRANCH, 0x1010),
    (ARM, "80000036", Flow.BRANCH, 0x1010),
    (ARM, "c0035fd6", Flow.RETURN, None),
    (ARM, "200020d4", Flow.STOP, None),
    (RISC_V, "0100", Flow.NEXT, None),
    (RISC_V, "ef000010", Flow.CALL, 0x1100),
    (RISC_V, "0295", Flow.CALL, None),
    (RISC_V, "6f000010", Flow.JUMP, 0x1100),
    (RISC_V, "01a8", Flow.JUMP, 0x1010),
    (RISC_V, "0285", Flow.JUMP, None),
    (RISC_V, "63080500", Flow.BRANCH, 0x1010),
    (RISC_V, "01c9", Flow.BRANCH, 0x1010),
    (RISC_V, "8280", Flow.RETURN, None),
    (RISC_V, "8282", Flow.RETURN, None),
    (RISC_V, "0290", Flow.STOP, None),
]


def test_control_goes_where_an_instruction_says() -> None:
    for machine, code, flow, target in CASES:
        (step,) = decoded(code, machine)
        said = f"{machine} {code}: {step.mnemonic} {step.operands}"
        assert (step.flow, step.target) == (flow, target), said
        assert (step.address, step.end) == (BEGIN, BEGIN + len(code) // 2), said


def test_two_instructions_of_risc_v_make_one_long_way() -> None:
    *_, call = decoded("97000000 e7800010", RISC_V)  # auipc ra, 0; jalr 0x100(ra)
    assert (call.flow, call.target) == (Flow.CALL, BEGIN + 0x100)
    *_, jump = decoded("17030000 67000310", RISC_V)  # auipc t1, 0; jr 0x100(t1)
    assert (jump.flow, jump.target) == (Flow.JUMP, BEGIN + 0x100)


@pytest.mark.parametrize(
    ("machine", "code", "is_table"),
    [
        (X86, "4801c8 ffe0", True),  # add rax, rcx; jmp rax
        (X86, "4889c8 ffe0", False),  # mov rax, rcx; jmp rax
        (X86, "4801c8 4889c8 ffe0", False),  # reckoned, and then replaced
        (X86, "4801c8 90 90 90 90 ffe0", False),  # too long ago to be seen
        (ARM, "0800098b 00011fd6", True),  # add x8, x0, x9; br x8
        (ARM, "e80309aa 00011fd6", False),  # mov x8, x9; br x8
    ],
)
def test_a_jump_by_a_reckoned_register_goes_through_a_table(machine: str, code: str, *, is_table: bool) -> None:
    *_, jump = decoded(code, machine)
    assert (jump.flow, jump.target, jump.is_table) == (Flow.JUMP, None, is_table)


def test_a_table_at_a_fixed_place_is_named() -> None:
    (jump,) = decoded("ff24c500204000", X86)  # jmp qword ptr [rax*8 + 0x402000]
    assert (jump.flow, jump.table) == (Flow.JUMP, 0x402000)


@pytest.mark.parametrize(("operands", "number"), [("t0, 1", 4096), ("t0, 0x80000", -(1 << 31)), ("t0, 0xfffff", -4096)])
def test_the_upper_bits_of_risc_v_have_a_sign(operands: str, number: int) -> None:
    assert instruction_flow.signed_upper(operands) == number
