"""Finds the system calls in machine code, as far as their numbers are visible.

A number is known if its register is set a few instructions before the call, and no jump leads in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.binary import disassembly

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence

    from ostoo_build.binary.disassembly import Decoded, Listing

_WINDOW = 24
"""The number of instructions before a call that are examined."""

_NUMBER = lazy_pattern(r"#?(-?(?:0x[0-9a-f]+|\d+))")


class SyscallSite(Struct, frozen=True):
    """An instruction that calls the kernel; `number` is None if it is not visible in the code."""

    address: int
    number: int | None


class _Processor(Struct, frozen=True):
    """A processor's calling convention: the instruction `trap`, with the number in `register`.

    `names` maps each name of a register to its canonical name. `lost` are the registers that a function call does not
    preserve. `relative` says that branch targets are relative.
    """

    trap: re.Pattern[str]
    register: str
    names: dict[str, str]
    branch: re.Pattern[str]
    call: re.Pattern[str]
    final: re.Pattern[str]
    lost: frozenset[str]
    implicit: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = ()
    relative: bool = False


def _x86_names() -> dict[str, str]:
    names = {
        name: f"r{name[-2:]}"
        for pair in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp")
        for name in (f"r{pair}", f"e{pair}")
    }
    for number in range(8, 16):
        names |= {f"r{number}": f"r{number}", f"r{number}d": f"r{number}"}
    return names


_X86_PARTS = {
    **{f"{letter}{half}": f"r{letter}x" for letter in "abcd" for half in "lhx"},
    **{f"{pair}{half}": f"r{pair}" for pair in ("si", "di", "bp", "sp") for half in ("", "l")},
    **{f"r{number}{half}": f"r{number}" for number in range(8, 16) for half in "bw"},
}
_PROCESSORS = {
    "EM_X86_64": _Processor(
        trap=lazy_pattern(r"syscall$"),
        register="rax",
        names=_x86_names(),
        branch=lazy_pattern(r"j|loop|xbegin"),
        call=lazy_pattern(r"(?:bnd |notrack )*l?call|syscall|sysenter|int\b"),
        final=lazy_pattern(r"(?:bnd |notrack )*(?:l?jmp|ret)|sysret|sysexit|ud[012]|hlt|int3|iret"),
        lost=frozenset({"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"}),
        implicit=(
            (
                lazy_pattern(r"c[bwdq]|cmpxchg|i?mul|i?div|lods|rdtsc|cpuid|xgetbv|rdmsr|in\b|x?lat"),
                frozenset({"rax", "rbx", "rcx", "rdx"}),
            ),
            (
                lazy_pattern(r"rep|stos|movs|scas|cmps|xchg|xadd|leave|enter"),
                frozenset({"rax", "rcx", "rsi", "rdi", "rbp"}),
            ),
        ),
    ),
    "EM_AARCH64": _Processor(
        trap=lazy_pattern(r"svc$"),
        register="x8",
        names={name: f"x{number}" for number in range(31) for name in (f"x{number}", f"w{number}")},
        branch=lazy_pattern(r"b(?:\.|$)|cb|tb"),
        call=lazy_pattern(r"bl|svc"),
        final=lazy_pattern(r"(?:b|br|ret|brk|udf|eret)$"),
        lost=frozenset(f"x{number}" for number in range(19)),
    ),
    "EM_RISCV": _Processor(
        trap=lazy_pattern(r"ecall$"),
        register="a7",
        names={
            name: name
            for name in ("ra", *(f"{kind}{n}" for kind, most in (("a", 8), ("s", 12), ("t", 7)) for n in range(most)))
        },
        branch=lazy_pattern(r"(?:c\.)?(?:b(?!clr|ext|inv|set)|j)"),
        call=lazy_pattern(r"(?:c\.)?jalr?$|ecall"),
        final=lazy_pattern(r"(?:c\.)?(?:j|jr)$|ebreak|unimp|[msu]?ret$"),
        lost=frozenset({"ra", *(f"a{n}" for n in range(8)), *(f"t{n}" for n in range(7))}),
        relative=True,
    ),
}


def prepare() -> None:
    """Make what is made once for a process, so that those have it that are forked from this one."""
    for machine, processor in _PROCESSORS.items():
        for kind in (processor.trap, processor.branch):
            disassembly.named(machine, kind.match)


class SyscallCollector:
    """Finds the system calls in one piece of code. Its listings are passed in order, and `sites` is called at the end.

    `address` is that of the code's first byte.
    """

    def __init__(self, machine: str, address: int) -> None:
        self._address = address
        self._processor = _PROCESSORS[machine]
        self._before: list[Decoded] = []
        self._sites: list[tuple[SyscallSite, tuple[int, ...]]] = []
        self._targets: set[str] = set()
        """What branches name, as capstone writes it: of thousands only a few are compared with an offset."""

    def take(self, listing: Listing) -> None:
        """Process the next instructions."""
        for index in listing.named(self._processor.trap.match):
            window = [*self._before, *(listing[each] for each in range(max(0, index - _WINDOW), index))]
            self._sites.append(self._judge(window[-_WINDOW:], listing[index]))
        branches = listing.named(self._processor.branch.match)
        if self._processor.relative:
            self._targets.update(map(self._target, map(listing.__getitem__, branches)))
        else:
            self._targets.update(listing.last_operands(branches))
        last = range(max(0, len(listing) - _WINDOW), len(listing))
        self._before = [*self._before, *map(listing.__getitem__, last)][-_WINDOW:]

    def sites(self) -> Iterator[SyscallSite]:
        """Yield all calls. The number is unknown if a jump can skip the instruction that sets it."""
        for site, between in self._sites:
            names = (name for offset in between for name in _spellings(offset))
            yield site if self._targets.isdisjoint(names) else SyscallSite(site.address, None)

    @staticmethod
    def _target(branch: Decoded) -> str:
        """Return what a relative branch means in the spelling of an absolute one, or an empty text."""
        distance = _NUMBER.fullmatch(branch.operands.rpartition(" ")[2])
        return f"{branch.offset + int(distance[1], 0):#x}" if distance else ""

    def _judge(self, before: Sequence[Decoded], trap: Decoded) -> tuple[SyscallSite, tuple[int, ...]]:
        """Return a call, and the offsets to which no jump may lead if its number is to be known."""
        address = self._address + trap.offset
        values = _Values(self._processor)
        for found in before:
            values.apply(found)
        known = values.of(self._processor.register)
        if known is None:
            return SyscallSite(address, None), ()
        number, since = known
        between = tuple(found.offset for found in (*before, trap) if found.offset > since)
        return SyscallSite(address, number), between


def _spellings(offset: int) -> tuple[str, ...]:
    return f"{offset:#x}", f"#{offset:#x}", f"{offset}", f"#{offset}"


class _Values:
    """Register contents in straight-line code: the number, and the offset of the first instruction that set it."""

    def __init__(self, processor: _Processor) -> None:
        self._processor = processor
        self._known: dict[str, tuple[int, int]] = {}
        self._pushed: list[tuple[int, int] | None] = []

    def of(self, register: str) -> tuple[int, int] | None:
        return self._known.get(register)

    def apply(self, found: Decoded) -> None:
        processor, mnemonic = self._processor, found.mnemonic
        if processor.final.match(mnemonic) and not processor.call.match(mnemonic):
            self._known.clear()
            self._pushed.clear()
        elif processor.call.match(mnemonic):
            self._forget(processor.lost)
        elif mnemonic == "push":
            self._pushed.append(self._value(found.operands, found.offset))
        else:
            self._write(found)

    def _write(self, found: Decoded) -> None:
        operands = found.operands.split(", ")
        for pattern, registers in self._processor.implicit:
            if pattern.match(found.mnemonic):
                self._forget(registers)
        target = self._canonical(operands[0])
        if target is None:
            return
        value = self._result(found, operands)
        if value is None:
            self._known.pop(target, None)
        else:
            self._known[target] = value

    def _result(self, found: Decoded, operands: list[str]) -> tuple[int, int] | None:
        """Return the new contents of the first operand, if a move or a load of a constant determines it."""
        mnemonic, offset = found.mnemonic, found.offset
        if mnemonic == "pop":
            return self._pushed.pop() if self._pushed else None
        if operands[0] not in self._processor.names:
            return None  # a part of a register
        if mnemonic == "xor" and operands == [operands[0]] * 2:
            return 0, offset
        if mnemonic in ("addi", "addiw") and operands[1:2] == ["zero"]:
            return self._value(operands[2], offset)
        if mnemonic in ("mov", "movabs", "movz", "c.li", "li", "c.mv", "mv") and len(operands) == 2:  # noqa: PLR2004 - to, from
            return self._value(operands[1], offset)
        return None

    def _value(self, operand: str, offset: int) -> tuple[int, int] | None:
        if number := _NUMBER.fullmatch(operand):
            return int(number[1], 0), offset
        return self._known.get(self._canonical(operand) or "")

    def _canonical(self, operand: str) -> str | None:
        return self._processor.names.get(operand) or _X86_PARTS.get(operand)

    def _forget(self, registers: Iterable[str]) -> None:
        for register in registers:
            self._known.pop(register, None)
