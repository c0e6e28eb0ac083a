"""Determines what an instruction does to the stack pointer.

Effects are bytes by which the stack grows, so that they are the same for all processors.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.stack.instruction_flow import signed_upper

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from ostoo_build.stack.instruction_flow import Step

_NUMBER = lazy_pattern(r"#?(-?(?:0x[0-9a-f]+|\d+))(?:, lsl #(\d+))?")
_WORD = 8
_MASK = (1 << 64) - 1


class EffectKind(Enum):
    """How an instruction changes the stack pointer or a register.

    The stack grows downwards, so "grow" decreases the pointer.

    `MOVE`: the stack grows by `number`. `MOVE_BY`: it grows by `number` times the contents of `register`. `RESTORE`:
    the pointer gets the value that was saved in `register`, and then grows by `number`. `ALIGN`: it is aligned to
    `number` bytes. `NOTE`: `register` gets the stack pointer, grown by `number`. `CONSTANT`: `register` gets `number`.
    `ADD`: `number` is added to `register`. `FORGET`: `register` gets an unknown value. `LOST`: the stack pointer gets
    an unknown value.
    """

    MOVE = auto()
    MOVE_BY = auto()
    RESTORE = auto()
    ALIGN = auto()
    NOTE = auto()
    CONSTANT = auto()
    ADD = auto()
    FORGET = auto()
    LOST = auto()


class Effect(NamedTuple):
    """One change, as described at `EffectKind`."""

    kind: EffectKind
    register: str = ""
    number: int = 0


_LOST = (Effect(EffectKind.LOST),)
_NONE: tuple[Effect, ...] = ()


def effects(step: Step, machine: str) -> tuple[Effect, ...]:
    """Return the effects of an instruction in order. Calls and jumps have none besides those of the called code."""
    return _READERS[machine](step)


def kept_by_calls(machine: str) -> frozenset[str]:
    """Return the registers that a called function preserves (System V ABI, AAPCS64, RISC-V's calling convention)."""
    return _KEPT[machine]


def return_address_size(machine: str) -> int:
    """Return the number of bytes that a call itself pushes."""
    return _WORD if machine == "EM_X86_64" else 0


def red_zone(machine: str) -> int:
    """Return the bytes below its stack pointer that a function may use (System V ABI, AMD64 supplement, 3.2.2)."""
    return 128 if machine == "EM_X86_64" else 0


_KEPT = {
    "EM_X86_64": frozenset({"rbx", "rbp", "r12", "r13", "r14", "r15"}),
    "EM_AARCH64": frozenset(f"x{number}" for number in range(19, 30)),
    "EM_RISCV": frozenset(f"s{number}" for number in range(12)),
}


def _number(operand: str) -> int | None:
    match = _NUMBER.fullmatch(operand)
    return int(match[1], 0) << int(match[2] or 0) if match else None


_X86_STACK = frozenset({"rsp", "esp", "sp", "spl"})
_X86_READS = frozenset({"cmp", "test", "push", "bt", "ucomisd"})
_X86_IMPLICIT = lazy_pattern(r"xchg|xadd|cmpxchg|cpuid|rdtsc|syscall|rep|mulx")
_X86_WORD = lazy_pattern(r"\w+")
_X86_PARTS = {
    **dict.fromkeys(("rbp", "ebp", "bp", "bpl"), "rbp"),
    **dict.fromkeys(("rbx", "ebx", "bx", "bl", "bh"), "rbx"),
    **{f"r{number}{end}": f"r{number}" for number in range(8, 16) for end in ("", "d", "w", "b")},
}
"""Registers that may save a stack pointer, by their parts; too many instructions write to the others."""
_X86_ADDRESS = lazy_pattern(r"\[(\w+)(?: ([+-]) (0x[0-9a-f]+|\d+))?\]")


def _x86(step: Step) -> tuple[Effect, ...]:  # noqa: C901, PLR0911 - a table: one case for each form
    mnemonic, operands = step.mnemonic.rpartition(" ")[2], step.operands
    if mnemonic.startswith("push"):
        return (Effect(EffectKind.MOVE, number=_WORD),)
    if mnemonic.startswith("pop") and not mnemonic.startswith("popcnt"):
        return _LOST if operands in _X86_STACK else (*_x86_forgets(operands), Effect(EffectKind.MOVE, number=-_WORD))
    if mnemonic == "leave":
        return Effect(EffectKind.RESTORE, "rbp", -_WORD), Effect(EffectKind.FORGET, "rbp")
    if mnemonic == "enter":
        return _LOST
    target, _, source = operands.partition(", ")
    if target in _X86_STACK:
        whole = target == "rsp"
        return _NONE if mnemonic in _X86_READS else _x86_writes_stack(mnemonic, source) if whole else _LOST
    if _X86_IMPLICIT.match(step.mnemonic):
        lost = _LOST if "rsp" in operands.replace("[rsp", "") else _NONE
        named = {_X86_PARTS[part] for part in _X86_WORD.findall(operands) if part in _X86_PARTS}
        return (*(Effect(EffectKind.FORGET, register) for register in sorted({*named, "rbx", "r11"})), *lost)
    if target not in _X86_PARTS or mnemonic in _X86_READS:
        return _NONE
    if _X86_PARTS[target] != target:
        return _x86_forgets(target)
    if (mnemonic, source) == ("mov", "rsp"):
        return (Effect(EffectKind.NOTE, target),)
    match = _X86_ADDRESS.fullmatch(source)
    if mnemonic == "lea" and match and match[1] == "rsp":
        return (Effect(EffectKind.NOTE, target, -_x86_distance(match)),)
    return _x86_forgets(target)


def _x86_writes_stack(mnemonic: str, source: str) -> tuple[Effect, ...]:
    number = _number(source)
    match = _X86_ADDRESS.fullmatch(source)
    if mnemonic in ("sub", "add") and number is not None:
        return (Effect(EffectKind.MOVE, number=number if mnemonic == "sub" else -number),)
    if mnemonic == "and" and number is not None:
        return (Effect(EffectKind.ALIGN, number=-number & _MASK),)
    if mnemonic == "lea" and match:
        grown = -_x86_distance(match)
        return (
            Effect(EffectKind.MOVE, number=grown) if match[1] == "rsp" else Effect(EffectKind.RESTORE, match[1], grown),
        )
    if mnemonic == "mov" and source in _X86_PARTS:
        return (Effect(EffectKind.RESTORE, source),)
    return _LOST


def _x86_distance(match: re.Match[str]) -> int:
    return (-1 if match[2] == "-" else 1) * int(match[3] or "0", 0)


def _x86_forgets(operand: str) -> tuple[Effect, ...]:
    return (Effect(EffectKind.FORGET, _X86_PARTS[operand]),) if operand in _X86_PARTS else _NONE


_ARM_BASE = lazy_pattern(r".*\[(\w+)(?:, #(-?(?:0x[0-9a-f]+|\d+)))?(?:\](!)|\], (.+))")
_ARM_REGISTER = lazy_pattern(r"[wx]\d+")


def _arm(step: Step) -> tuple[Effect, ...]:  # noqa: PLR0911 - likewise
    mnemonic, operands = step.mnemonic, step.operands
    if "[" in operands:
        return _arm_memory(mnemonic, operands)
    target, _, rest = operands.partition(", ")
    if mnemonic in ("cmp", "cmn", "tst", "ccmp", "ccmn") or not rest:
        return _NONE
    if target in ("sp", "wsp"):
        return _arm_writes_stack(mnemonic, rest)
    if not _ARM_REGISTER.fullmatch(target):
        return _NONE
    register = f"x{target[1:]}"
    first, _, second = rest.partition(", ")
    if mnemonic == "mov" and rest == "sp":
        return (Effect(EffectKind.NOTE, register),)
    number = _number(second)
    if mnemonic in ("add", "sub") and first == "sp" and number is not None:
        return (Effect(EffectKind.NOTE, register, number if mnemonic == "sub" else -number),)
    number = _number(rest)
    if mnemonic in ("mov", "movz") and number is not None:
        return (Effect(EffectKind.CONSTANT, register, number),)
    return (Effect(EffectKind.FORGET, register),)


def _arm_memory(mnemonic: str, operands: str) -> tuple[Effect, ...]:
    found: list[Effect] = []
    if not mnemonic.startswith("st") or "x" in mnemonic:
        loaded = operands.partition("[")[0].split(", ")
        found += [Effect(EffectKind.FORGET, f"x{each[1:]}") for each in loaded if _ARM_REGISTER.fullmatch(each)]
    if match := _ARM_BASE.fullmatch(operands):
        number = int(match[2] or "0", 0) if match[3] else _number(match[4])
        if match[1] != "sp":
            found.append(Effect(EffectKind.FORGET, match[1]))
        elif number is None:
            return _LOST
        else:
            found.append(Effect(EffectKind.MOVE, number=-number))
    return tuple(found)


def _arm_writes_stack(mnemonic: str, rest: str) -> tuple[Effect, ...]:
    first, _, second = rest.partition(", ")
    number = _number(second)
    sign = 1 if mnemonic == "sub" else -1
    if mnemonic == "mov" and _ARM_REGISTER.fullmatch(rest):
        return (Effect(EffectKind.RESTORE, rest),)
    if mnemonic in ("add", "sub") and number is not None:
        moved = sign * number
        return (Effect(EffectKind.MOVE, number=moved) if first == "sp" else Effect(EffectKind.RESTORE, first, moved),)
    if mnemonic in ("add", "sub") and first == "sp" and _ARM_REGISTER.fullmatch(second.partition(",")[0]):
        plain = "," not in second or second.endswith((", uxtx", ", lsl #0"))
        return (Effect(EffectKind.MOVE_BY, f"x{second.partition(',')[0][1:]}", sign),) if plain else _LOST
    if mnemonic == "and" and number is not None:
        align = Effect(EffectKind.ALIGN, number=-number & _MASK)
        return (align,) if first == "sp" else (Effect(EffectKind.RESTORE, first), align)
    return _LOST


_RISC_V_STORE = lazy_pattern(r"(?:c\.)?f?s[bhwdq](?:sp)?|fence.*")
_RISC_V_NAME = lazy_pattern(r"(?:ra|gp|tp|s\d+|a\d|t\d)")


def _risc_v(step: Step) -> tuple[Effect, ...]:  # noqa: PLR0911 - likewise
    mnemonic, words = step.mnemonic.removeprefix("c."), step.operands.split(", ")
    if step.mnemonic.startswith("cm."):
        return _LOST
    if _RISC_V_STORE.fullmatch(step.mnemonic):
        return _NONE
    target, sources = words[0], words[1:]
    if target == "sp":
        return _risc_v_writes_stack(mnemonic, sources)
    if not _RISC_V_NAME.fullmatch(target):
        return _NONE
    number = _number(sources[-1]) if sources else None
    if mnemonic == "mv" and sources == ["sp"]:
        return (Effect(EffectKind.NOTE, target),)
    if mnemonic in ("addi", "addi4spn") and sources[:1] == ["sp"] and number is not None:
        return (Effect(EffectKind.NOTE, target, -number),)
    if mnemonic == "lui" and number is not None:
        return (Effect(EffectKind.CONSTANT, target, signed_upper(step.operands)),)
    if number is not None and (mnemonic == "li" or (mnemonic in ("addi", "addiw") and sources[:-1] == ["zero"])):
        return (Effect(EffectKind.CONSTANT, target, number),)
    if mnemonic in ("addi", "addiw") and number is not None and sources[:-1] in ([], [target]):
        return (Effect(EffectKind.ADD, target, number),)
    return (Effect(EffectKind.FORGET, target),)


def _risc_v_writes_stack(mnemonic: str, sources: list[str]) -> tuple[Effect, ...]:
    number = _number(sources[-1]) if sources else None
    base = sources[0] if len(sources) > 1 else "sp"
    if mnemonic in ("addi", "addi16sp") and number is not None:
        return (Effect(EffectKind.MOVE, number=-number) if base == "sp" else Effect(EffectKind.RESTORE, base, -number),)
    if mnemonic == "mv":
        return (Effect(EffectKind.RESTORE, sources[0]),)
    if mnemonic in ("add", "sub") and base == "sp":
        return (Effect(EffectKind.MOVE_BY, sources[-1], 1 if mnemonic == "sub" else -1),)
    if mnemonic == "andi" and base == "sp" and number is not None:
        return (Effect(EffectKind.ALIGN, number=-number),)
    return _LOST


_READERS: dict[str, Callable[[Step], tuple[Effect, ...]]] = {"EM_X86_64": _x86, "EM_AARCH64": _arm, "EM_RISCV": _risc_v}
