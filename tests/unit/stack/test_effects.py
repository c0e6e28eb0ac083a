"""From bytes on, so that a decoder that spells an instruction otherwise is noticed."""

from __future__ import annotations

import pytest

from ostoo_build.binary import disassembly
from ostoo_build.stack.effects import Effect, EffectKind, effects, kept_by_calls, red_zone, return_address_size
from ostoo_build.stack.instruction_flow import steps

X86, ARM, RISC_V = "EM_X86_64", "EM_AARCH64", "EM_RISCV"


def move(number: int) -> Effect:
    return Effect(EffectKind.MOVE, number=number)


def forget(register: str) -> Effect:
    return Effect(EffectKind.FORGET, register)


LOST = Effect(EffectKind.LOST)
CASES: list[tuple[str, str, str, tuple[Effect, ...]]] = [
    (X86, "push rbp", "55", (move(8),)),
    (X86, "push 1", "6a01", (move(8),)),
    (X86, "pop rbx", "5b", (forget("rbx"), move(-8))),
    (X86, "pop rax", "58", (move(-8),)),
    (X86, "pop rsp", "5c", (LOST,)),
    (X86, "leave", "c9", (Effect(EffectKind.RESTORE, "rbp", -8), forget("rbp"))),
    (X86, "enter 0x10, 0", "c8100000", (LOST,)),
    (X86, "sub rsp, 0x28", "4883ec28", (move(40),)),
    (X86, "add rsp, 0x28", "4883c428", (move(-40),)),
    (X86, "sub esp, 0x28", "83ec28", (LOST,)),
    (X86, "and rsp, -0x40", "4883e4c0", (Effect(EffectKind.ALIGN, number=64),)),
    (X86, "lea rsp, [rsp - 0x10]", "488d6424f0", (move(16),)),
    (X86, "lea rsp, [rbp - 0x10]", "488d65f0", (Effect(EffectKind.RESTORE, "rbp", 16),)),
    (X86, "mov rsp, rbp", "4889ec", (Effect(EffectKind.RESTORE, "rbp"),)),
    (X86, "mov rsp, rax", "4889c4", (LOST,)),
    (X86, "sub rsp, rax", "4829c4", (LOST,)),
    (X86, "mov rbp, rsp", "4889e5", (Effect(EffectKind.NOTE, "rbp"),)),
    (X86, "lea rbp, [rsp + 0x10]", "488d6c2410", (Effect(EffectKind.NOTE, "rbp", -16),)),
    (X86, "mov rax, rsp", "4889e0", ()),
    (X86, "xor ebp, ebp", "31ed", (forget("rbp"),)),
    (X86, "cmp rsp, rax", "4839c4", ()),
    (X86, "mov rax, qword ptr [rsp]", "488b0424", ()),
    (X86, "xchg rax, rbx", "4893", (forget("r11"), forget("rbx"))),
    (X86, "xchg rsp, rax", "4894", (LOST,)),
    (X86, "popcnt rax, rbx", "f3480fb8c3", ()),
    (ARM, "stp x29, x30, [sp, #-0x30]!", "fd7bbda9", (move(48),)),
    (ARM, "ldp x29, x30, [sp], #0x30", "fd7bc3a8", (forget("x29"), forget("x30"), move(-48))),
    (ARM, "ldr x0, [sp, #8]", "e00740f9", (forget("x0"),)),
    (ARM, "mov x29, sp", "fd030091", (Effect(EffectKind.NOTE, "x29"),)),
    (ARM, "mov sp, x29", "bf030091", (Effect(EffectKind.RESTORE, "x29"),)),
    (ARM, "sub sp, sp, #0x10", "ff4300d1", (move(16),)),
    (ARM, "sub sp, sp, #1, lsl #12", "ff0740d1", (move(4096),)),
    (ARM, "add x29, sp, #0x10", "fd430091", (Effect(EffectKind.NOTE, "x29", -16),)),
    (ARM, "sub sp, sp, x9", "ff6329cb", (Effect(EffectKind.MOVE_BY, "x9", 1),)),
    (ARM, "mov x9, #0x10000", "2900a0d2", (Effect(EffectKind.CONSTANT, "x9", 0x10000),)),
    (ARM, "cmp sp, x0", "ff6320eb", ()),
    (RISC_V, "c.addi16sp sp, -0x1e0", "0571", (move(480),)),
    (RISC_V, "c.addi16sp sp, 0x50", "6161", (move(-80),)),
    (RISC_V, "c.mv s0, sp", "0a84", (Effect(EffectKind.NOTE, "s0"),)),
    (RISC_V, "c.mv sp, s0", "2281", (Effect(EffectKind.RESTORE, "s0"),)),
    (RISC_V, "c.addi4spn s0, sp, 0x10", "0008", (Effect(EffectKind.NOTE, "s0", -16),)),
    (RISC_V, "lui t0, 1", "b7120000", (Effect(EffectKind.CONSTANT, "t0", 4096),)),
    (RISC_V, "c.li t0, 5", "9542", (Effect(EffectKind.CONSTANT, "t0", 5),)),
    (RISC_V, "c.addi t0, 4", "9102", (Effect(EffectKind.ADD, "t0", 4),)),
    (RISC_V, "sub sp, sp, t0", "33015140", (Effect(EffectKind.MOVE_BY, "t0", 1),)),
    (RISC_V, "c.sdsp s0, 8(sp)", "22e4", ()),
]


def test_an_instruction_has_its_effects() -> None:
    for machine, text, code, expected in CASES:
        (step,) = steps(disassembly.decode(bytes.fromhex(code), machine), machine)
        said = f"{machine}: {step.mnemonic} {step.operands}, for {text}"
        assert step.mnemonic == text.split()[0], said
        assert effects(step, machine) == expected, said


@pytest.mark.parametrize(
    ("machine", "kept", "pushed", "below"), [(X86, "rbx", 8, 128), (ARM, "x29", 0, 0), (RISC_V, "s11", 0, 0)]
)
def test_a_call_keeps_what_its_convention_says(machine: str, kept: str, pushed: int, below: int) -> None:
    assert kept in kept_by_calls(machine)
    assert not {"rax", "x0", "x30", "a0", "t0"} & kept_by_calls(machine)
    assert (return_address_size(machine), red_zone(machine)) == (pushed, below)
