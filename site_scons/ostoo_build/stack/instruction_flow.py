"""Determines where control goes after an instruction.

Instructions are recognised by capstone's mnemonics. Numbers are absolute if the code was decoded at its address.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator

    from ostoo_build.binary.disassembly import Decoded

_NUMBER = lazy_pattern(r"#?(-?(?:0x[0-9a-f]+|\d+))")
_LAST_NUMBER = lazy_pattern(rf"(?:.*, )?{_NUMBER.pattern}")
_ABSOLUTE_TABLE = lazy_pattern(r"qword ptr \[\w+\*8 \+ (0x[0-9a-f]+)\]")
_LOOKED_BACK = 4


class Flow(Enum):
    """Where control goes: to the next instruction; to a call and back; to a jump's target; to either; nowhere."""

    NEXT = auto()
    CALL = auto()
    JUMP = auto()
    BRANCH = auto()
    RETURN = auto()
    STOP = auto()
    INVALID = auto()


class Step(NamedTuple):
    """An instruction. `target` is the target of a call or jump, or None if it is only known at run time.

    `is_table` says that an indirect jump visibly uses a jump table; `table` is the table's address if the instruction
    contains it.
    """

    address: int
    end: int
    flow: Flow
    target: int | None
    mnemonic: str
    operands: str
    is_table: bool = False
    table: int | None = None


class _Processor(Struct, frozen=True):
    """Patterns for whole mnemonics. `computed` matches how the register of a jump through a table is computed."""

    call: re.Pattern[str]
    jump: re.Pattern[str]
    branch: re.Pattern[str]
    final: re.Pattern[str]
    stop: re.Pattern[str]
    computed: re.Pattern[str]
    relative: bool = False


_PROCESSORS = {
    "EM_X86_64": _Processor(
        call=lazy_pattern(r"call"),
        jump=lazy_pattern(r"jmp"),
        branch=lazy_pattern(r"j\w+|loop\w*|xbegin"),
        final=lazy_pattern(r"ret[fq]?|iret\w?|sysret|sysexit"),
        stop=lazy_pattern(r"ud\d|hlt|int3|ljmp"),
        computed=lazy_pattern(r"add \w+, \w+"),
    ),
    "EM_AARCH64": _Processor(
        call=lazy_pattern(r"bl|blra?\w*"),
        jump=lazy_pattern(r"b|bra?\w*"),
        branch=lazy_pattern(r"bc?\.\w+|cbn?z|tbn?z"),
        final=lazy_pattern(r"ret\w*|eret\w*"),
        stop=lazy_pattern(r"brk|udf|hlt"),
        computed=lazy_pattern(r"add \w+, \w+, \w.*"),
    ),
    "EM_RISCV": _Processor(
        call=lazy_pattern(r"(?:c\.)?jalr?"),
        jump=lazy_pattern(r"(?:c\.)?jr?"),
        branch=lazy_pattern(r"(?:c\.)?b(?:eq|ne|lt|ge|le|gt)\w*"),
        final=lazy_pattern(r"(?:c\.)?[msu]?ret"),
        stop=lazy_pattern(r"(?:c\.)?ebreak|(?:c\.)?unimp"),
        computed=lazy_pattern(r"(?:c\.)?(?:add \w+, \w.*|lw \w+, .*)"),
        relative=True,
    ),
}


def steps(decoded: Iterable[Decoded], machine: str) -> Iterator[Step]:
    """Classify the instructions of one function, in order. They must be decoded at their address."""
    processor = _PROCESSORS[machine]
    before: deque[Decoded] = deque(maxlen=_LOOKED_BACK)
    for found in decoded:
        yield _step(found, processor, before)
        before.append(found)


def _step(found: Decoded, processor: _Processor, before: deque[Decoded]) -> Step:  # noqa: PLR0911 - a table of kinds
    address, size, mnemonic, operands = found
    end = address + size
    word = mnemonic.rpartition(" ")[2]  # without prefixes such as notrack
    if mnemonic == ".byte":
        return Step(address, end, Flow.INVALID, None, mnemonic, operands)
    if processor.relative and (jump := _risc_v_jump(found, before)):
        flow, target = jump
        is_table = flow is Flow.JUMP and target is None and _is_computed(operands, processor, before)
        return Step(address, end, flow, target, mnemonic, operands, is_table)
    if processor.final.fullmatch(word):
        return Step(address, end, Flow.RETURN, None, mnemonic, operands)
    if processor.stop.fullmatch(word):
        return Step(address, end, Flow.STOP, None, mnemonic, operands)
    if processor.jump.fullmatch(word):
        target = _number(operands)
        if target is not None:
            return Step(address, end, Flow.JUMP, target, mnemonic, operands)
        match = _ABSOLUTE_TABLE.fullmatch(operands)
        is_table = _is_computed(operands, processor, before)
        return Step(address, end, Flow.JUMP, None, mnemonic, operands, is_table, int(match[1], 16) if match else None)
    if processor.call.fullmatch(word):
        return Step(address, end, Flow.CALL, _number(operands), mnemonic, operands)
    if processor.branch.fullmatch(word):
        match = _LAST_NUMBER.fullmatch(operands)
        base = address if processor.relative else 0
        return Step(address, end, Flow.BRANCH, base + int(match[1], 0) if match else None, mnemonic, operands)
    return Step(address, end, Flow.NEXT, None, mnemonic, operands)


def _number(operands: str) -> int | None:
    match = _NUMBER.fullmatch(operands)
    return int(match[1], 0) if match else None


def _is_computed(operands: str, processor: _Processor, before: deque[Decoded]) -> bool:
    """Whether the instruction before computes the jump's register. No compiler computes a function's address."""
    register = operands.partition(",")[0]
    for found in reversed(before):
        if found.operands.partition(",")[0] == register:
            return bool(processor.computed.fullmatch(f"{found.mnemonic} {found.operands}"))
    return False


def _risc_v_jump(found: Decoded, before: deque[Decoded]) -> tuple[Flow, int | None] | None:
    """Classify JAL and JALR in all short forms: the register for the return address distinguishes calls from jumps."""
    short = found.mnemonic.removeprefix("c.")
    words = found.operands.split(", ") if found.operands else []
    if short in ("j", "jal"):
        saved = "zero" if short == "j" else words[0] if len(words) > 1 else "ra"
        return _flow_of(saved), found.offset + int(words[-1], 0)
    if short not in ("jr", "jalr", "ret"):
        return None
    if short == "ret" or (short == "jr" and words in (["ra"], ["t0"])):
        return Flow.RETURN, None  # t0 is the link register of code that compilers outline
    whole = 3
    saved = "zero" if short == "jr" else words[0] if len(words) == whole else "ra"
    base, distance = (words[-2], int(words[-1], 0)) if len(words) == whole else (words[-1], 0)
    if saved == "zero" and base == "ra" and distance == 0:
        return Flow.RETURN, None
    upper = before[-1] if before else None
    if upper and upper.mnemonic == "auipc" and upper.operands.startswith(f"{base}, "):
        return _flow_of(saved), pc_relative(upper) + distance
    return _flow_of(saved), None


def _flow_of(saved: str) -> Flow:
    return Flow.JUMP if saved == "zero" else Flow.CALL


def pc_relative(found: Decoded) -> int:
    """Return the 64-bit value that RISC-V's AUIPC adds to the address."""
    return (found.offset + signed_upper(found.operands)) & (1 << 64) - 1


def signed_upper(operands: str) -> int:
    """Return the value of the operand of RISC-V's LUI or AUIPC: its 20 bits are the upper ones of 32."""
    value = int(operands.rpartition(", ")[2], 0) & 0xFFFFF
    return (value - (1 << 20) if value >> 19 else value) << 12
