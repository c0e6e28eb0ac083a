"""Decodes x86-64 machine code with capstone. Does not know where the code comes from or what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 15
_AT_ONCE = 10_000
_ADDRESS_PREFIXES = b"\x26\x2e\x36\x3e\x64\x65\x67"
_VECTOR_PREFIXES = (b"\xc4", b"\xc5", b"\x62")
_FIRST_BYTES = frozenset(b"".join((_ADDRESS_PREFIXES, *_VECTOR_PREFIXES)))
_PREFIX_RUN = re.compile(rb"[\x26\x2e\x36\x3e\x40-\x4f\x64-\x67\xf0\xf2\xf3]{15,}")
_INVALID = b"\x06"
_NOT_CODE = ".byte"


@dataclass(frozen=True)
class Instruction:
    """`offset` counts from the code's first byte; `text` is capstone's Intel syntax, such as "lea rsi, [rsp + 8]"."""

    offset: int
    text: str


def first(code: bytes, count: int) -> tuple[Instruction, ...]:
    """Decode the first `count` instructions of `code`; fewer where it ends before."""
    decoded = _decoder().disasm_lite(code[: count * _LONGEST], 0, count)
    return tuple(Instruction(offset, _text(mnemonic, operands)) for offset, _, mnemonic, operands in decoded)


def avx(code: bytes) -> Iterator[Instruction]:
    """Find the instructions in a VEX or EVEX encoding (AVX, AVX2, AVX-512, FMA, BMI), from the first byte on.

    In 64-bit mode an opcode byte of C4, C5 or 62 has no other meaning (Intel SDM, volume 2, chapter 2), so the
    bytes decide and capstone only has to find where each instruction begins. Bytes that are no instruction are skipped.
    """
    for offset, size, mnemonic, operands in _decode(code):
        if code[offset] not in _FIRST_BYTES or mnemonic == _NOT_CODE:
            continue
        if code[offset : offset + size].lstrip(_ADDRESS_PREFIXES).startswith(_VECTOR_PREFIXES):
            yield Instruction(offset, _text(mnemonic, operands))


def _decode(code: bytes) -> Iterator[tuple[int, int, str, str]]:
    # Longer than 15 bytes is no instruction, so none begins with 15 prefixes. Capstone would read a run of them to its
    # end, once from each of its bytes: it gets the run's last 14 only.
    code = _PREFIX_RUN.sub(lambda run: _INVALID * (len(run[0]) - 14) + run[0][-14:], code)
    # In portions: capstone holds 240 bytes for each instruction until the portion's last one is consumed.
    decoder = _decoder()
    start = 0
    while start < len(code):
        for decoded in decoder.disasm_lite(code[start : start + _AT_ONCE * _LONGEST], start, _AT_ONCE):
            yield decoded
            start = decoded[0] + decoded[1]


def _decoder() -> Any:
    # A new one for each use: SCons checks programs in several threads, and a decoder belongs to one.
    # Imported here: its 55 ms are only for a build that checks a program. It has no type hints.
    import capstone  # type: ignore[import-untyped]  # noqa: PLC0415

    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.skipdata = True
    return decoder


def _text(mnemonic: str, operands: str) -> str:
    return f"{mnemonic} {operands}".rstrip()
