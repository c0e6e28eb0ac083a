"""Finds the functions whose address is taken: an indirect call can reach no other.

In a static program without relocations such an address is in loaded data or in instructions. Equal values that are not
addresses count too.
"""

from __future__ import annotations

import re
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.stack.instruction_flow import Flow, signed_upper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.binary.elf import Elf
    from ostoo_build.stack.call_graph import FunctionCode
    from ostoo_build.stack.instruction_flow import Step

_HALF = 4
_HALF_BITS = 32
_HEX = lazy_pattern(r"0x[0-9a-f]+")
_FROM_HERE = lazy_pattern(r"\[rip ([+-]) (0x[0-9a-f]+|\d+)\]")
_NUMBER = lazy_pattern(r"#?(-?(?:0x[0-9a-f]+|\d+))$")
_SHIFTED = lazy_pattern(r"\w+, #(0x[0-9a-f]+|\d+), lsl #16")


def taken(program: Elf, code: tuple[FunctionCode, ...]) -> frozenset[int]:
    """Return the addresses of functions in `code` that indirect calls may reach."""
    starts = frozenset(each.function.address for each in code)
    found = set(_in_memory(program, starts))
    in_code = _IN_CODE[program.machine]
    for each in code:
        found.update(starts.intersection(in_code(each.steps)))
    return frozenset(found)


def _in_memory(program: Elf, starts: frozenset[int]) -> Iterator[int]:
    """Yield function addresses at any offset in loaded data.

    Searches their upper halves, as there are few different ones.
    """
    if not starts:
        return
    upper = {(start >> _HALF_BITS).to_bytes(_HALF, "little") for start in starts}
    pattern = lazy_pattern(rb"(?s)(?=(.{4})(%b))" % b"|".join(re.escape(each) for each in sorted(upper)))
    done = 0
    for segment in sorted(program.loads, key=lambda each: each.offset):
        end = min(segment.offset + segment.file_size, len(program.data))
        for match in pattern.finditer(program.data, min(max(done, segment.offset), end), end):
            address = int.from_bytes(match[1] + match[2], "little")
            if address in starts:
                yield address
        done = max(done, end)


def _x86(steps: tuple[Step, ...]) -> Iterator[int]:
    for step in steps:
        if step.target is None:
            if match := _FROM_HERE.search(step.operands):
                distance = int(match[2], 0)
                yield step.end + (distance if match[1] == "+" else -distance)
            yield from (int(number, 16) for number in _HEX.findall(step.operands))


def _arm(steps: tuple[Step, ...]) -> Iterator[int]:
    """Yield any combination of a page and an offset, or of an upper and a lower half, within one function."""
    pages: set[int] = set()
    uppers: set[int] = set()
    offsets, lowers = {0}, {0}
    for step in steps:
        if step.flow is Flow.NEXT and (match := _NUMBER.search(step.operands)):
            number = int(match[1], 0)
            if step.mnemonic == "adr":
                yield number
            elif step.mnemonic == "adrp":
                pages.add(number & (1 << 64) - 1)
            elif step.mnemonic == "add":
                offsets.add(number)
            elif step.mnemonic in ("mov", "movz", "movk"):
                (uppers if _SHIFTED.fullmatch(step.operands) else lowers).add(number)
        if match := _SHIFTED.fullmatch(step.operands):
            uppers.add(int(match[1], 0))
    yield from (page + offset for page in pages for offset in offsets)
    yield from ((upper << 16) + lower for upper in uppers for lower in lowers)


def _risc_v(steps: tuple[Step, ...]) -> Iterator[int]:
    """Yield any combination of an upper and a lower part within one function."""
    uppers: set[int] = set()
    lowers = {0}
    for step, following in zip_longest(steps, islice(steps, 1, None)):
        mnemonic = step.mnemonic.removeprefix("c.")
        is_direct = following and following.flow is not Flow.NEXT and following.target is not None  # half of a call
        if mnemonic in ("auipc", "lui") and not is_direct:
            uppers.add(signed_upper(step.operands) + (step.address if mnemonic == "auipc" else 0))
        elif mnemonic in ("addi", "addiw") and (match := _NUMBER.search(step.operands)):
            lowers.add(int(match[1], 0))
    yield from (upper + lower for upper in uppers for lower in lowers)


_IN_CODE: dict[str, Callable[[tuple[Step, ...]], Iterator[int]]] = {
    "EM_X86_64": _x86,
    "EM_AARCH64": _arm,
    "EM_RISCV": _risc_v,
}
