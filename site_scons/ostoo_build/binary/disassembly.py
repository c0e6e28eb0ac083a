"""Decodes machine code with capstone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 15
_AT_ONCE = 10_000
_ADDRESS_PREFIXES = b"\x26\x2e\x36\x3e\x64\x65\x67"
_VECTOR_PREFIXES = (b"\xc4", b"\xc5", b"\x62")
_FIRST_BYTES = frozenset(b"".join((_ADDRESS_PREFIXES, *_VECTOR_PREFIXES)))
_PREFIX_RUN = lazy_pattern(rb"[\x26\x2e\x36\x3e\x40-\x4f\x64-\x67\xf0\xf2\xf3]{15,}")
_INVALID = b"\x06"
_NOT_CODE = ".byte"
_FLOAT_REGISTER = lazy_pattern(r"\b(?:[xyz]?mm\d+|st(?:\(\d\))?)\b")
_X87 = lazy_pattern(r"f(?!x|n|wait|emms|femms|ldcw|ldenv|rstor)")
"""x87 mnemonics, most of which use st(0) implicitly; without those that save, restore or control the unit."""

_PROCESSORS = {
    "EM_X86_64": ("CS_ARCH_X86", ("CS_MODE_64",)),
    "EM_AARCH64": ("CS_ARCH_ARM64", ("CS_MODE_ARM",)),
    "EM_RISCV": ("CS_ARCH_RISCV", ("CS_MODE_RISCV64", "CS_MODE_RISCVC")),
}
"""Capstone's names by ELF's; all are 64-bit."""

MACHINES = frozenset(_PROCESSORS)


class Decoded(NamedTuple):
    """Mnemonic and operands in capstone's spelling, in Intel syntax for x86-64.

    `offset` is relative to the code's first byte, or an address if `decode` was called with one.
    """

    offset: int
    size: int
    mnemonic: str
    operands: str


class Instruction(Struct, frozen=True):
    """`text` is mnemonic and operands, such as "lea rsi, [rsp + 8]"."""

    offset: int
    text: str


def first(code: bytes, count: int, machine: str) -> tuple[Instruction, ...]:
    """Decode the first `count` instructions of `code`, fewer if it is shorter. `machine` is one of `MACHINES`."""
    decoded = _decoder(machine).disasm_lite(code[: count * _LONGEST], 0, count)
    return tuple(_instruction(Decoded(*each)) for each in decoded)


def is_avx(code: bytes, found: Decoded) -> bool:
    """Whether an instruction of x86-64 has a VEX or EVEX encoding (AVX, AVX2, AVX-512, FMA, BMI).

    In 64-bit mode an opcode byte of C4, C5 or 62 has no other meaning (Intel SDM, volume 2, chapter 2). So the bytes
    decide, and capstone only needs to find where instructions begin.
    """
    offset, size, mnemonic, _ = found
    if code[offset] not in _FIRST_BYTES or mnemonic == _NOT_CODE:
        return False
    return code[offset : offset + size].lstrip(_ADDRESS_PREFIXES).startswith(_VECTOR_PREFIXES)


def uses_float_registers(found: Decoded) -> bool:
    """Whether an instruction of x86-64 uses a register of SSE, AVX, MMX or x87."""
    return bool(_FLOAT_REGISTER.search(found.operands) or _X87.match(found.mnemonic))


def decode(code: bytes, machine: str, address: int = 0) -> Iterator[Decoded]:
    """Decode code whose first byte is at `address`. Bytes that are not an instruction get the mnemonic ".byte"."""
    if machine == "EM_X86_64":
        # Longer than 15 bytes is no instruction, so none begins with 15 prefixes. Capstone would read a run of them to
        # its end, once from each of its bytes: it gets the run's last 14 only.
        code = _PREFIX_RUN.sub(lambda run: _INVALID * (len(run[0]) - 14) + run[0][-14:], code)
    # In portions: capstone holds 240 bytes for each instruction until the portion's last one is consumed.
    decoder = _decoder(machine)
    start = 0
    while start < len(code):
        portion = code[start : start + _AT_ONCE * _LONGEST]
        before = start
        for decoded in decoder.disasm_lite(portion, address + start, _AT_ONCE):
            yield Decoded._make(decoded)
            start = decoded[0] + decoded[1] - address
        if start == before:  # fewer bytes than an instruction of this processor has
            yield Decoded(address + start, len(code) - start, _NOT_CODE, code[start:].hex(" "))
            return


def text(found: Decoded) -> str:
    return f"{found.mnemonic} {found.operands}".rstrip()


def _instruction(found: Decoded) -> Instruction:
    return Instruction(found.offset, text(found))


def _decoder(machine: str) -> Any:
    # A new one for each use: SCons checks programs in several threads, and a decoder belongs to one.
    # Imported here: its 55 ms are only for a build that checks a program. It has no type hints.
    import capstone  # type: ignore[import-untyped]  # noqa: PLC0415

    architecture, modes = _PROCESSORS[machine]
    decoder = capstone.Cs(getattr(capstone, architecture), sum(getattr(capstone, mode) for mode in modes))
    decoder.skipdata = True
    return decoder
