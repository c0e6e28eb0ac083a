"""Decodes machine code with capstone."""

from __future__ import annotations

import ctypes
import re
import struct
import sys
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_LONGEST = 15
_AT_ONCE = 2_000
_ADDRESS_PREFIXES = b"\x26\x2e\x36\x3e\x64\x65\x67"
_VECTOR_PREFIXES = (b"\xc4", b"\xc5", b"\x62")
_MAY_BE_AVX = lazy_pattern(b"[%b]" % b"".join((_ADDRESS_PREFIXES, *_VECTOR_PREFIXES)))
_PREFIX_RUN = lazy_pattern(rb"[\x26\x2e\x36\x3e\x40-\x4f\x64-\x67\xf0\xf2\xf3]{15,}")
_INVALID = b"\x06"
_NOT_CODE = ".byte"
_FLOAT_REGISTER = lazy_pattern(r"\b(?:[xyz]?mm\d+|st(?:\(\d\))?)\b")
_X87 = lazy_pattern(r"f(?!x|n|wait|emms|femms|ldcw|ldenv|rstor)")
"""x87 mnemonics, most of which use st(0) implicitly; without those that save, restore or control the unit."""

_PROCESSORS = {
    "EM_X86_64": ("CS_ARCH_X86", ("CS_MODE_64",), "x86_const", "X86_INS_ENDING"),
    "EM_AARCH64": ("CS_ARCH_ARM64", ("CS_MODE_ARM",), "arm64_const", "ARM64_INS_ENDING"),
    "EM_RISCV": ("CS_ARCH_RISCV", ("CS_MODE_RISCV64", "CS_MODE_RISCVC"), "riscv_const", "RISCV_INS_ENDING"),
}
"""Capstone's names by ELF's; all are 64-bit. The last two are the module and the name of the number of kinds."""

MACHINES = frozenset(_PROCESSORS)


class Decoded(NamedTuple):
    """Mnemonic and operands in capstone's spelling, in Intel syntax for x86-64.

    `offset` is relative to the code's first byte, or an address if `decode` was called with one.
    """

    offset: int
    size: int
    mnemonic: str
    operands: str


@cache
def named(machine: str, matches: Callable[[str], object]) -> re.Pattern[str] | None:
    """Return what finds the kinds of instructions whose name matches: their numbers are written as characters.

    A processor has more than a thousand kinds, so it is made once for a process, and for those that are forked from it.
    """
    import capstone  # type: ignore[import-untyped]  # noqa: PLC0415 - see `_decoder`

    *_, module, ending = _PROCESSORS[machine]
    decoder = _decoder(machine)
    names = (decoder.insn_name(kind, "") for kind in range(getattr(getattr(capstone, module), ending)))
    chosen = "".join(chr(kind) for kind, name in enumerate(names) if matches(name))
    return lazy_pattern(f"[{re.escape(chosen)}]") if chosen else None


class Listing:
    """The instructions of a portion of code, as capstone has written them into memory.

    A value of Python's is made only for one that is asked for: of most, a rule needs a byte or the kind.
    """

    _FIELDS = struct.Struct("@IQH24s32s160sP")
    """Capstone's `cs_insn`: kind, address, size, bytes, mnemonic, operands, and a pointer that is not used."""

    _SIZE = _FIELDS.size
    _BYTES, _OPERANDS, _LONGEST_OPERANDS = 18, 74, 160
    """Where the bytes and the operands are in a `cs_insn`."""

    def __init__(self, machine: str, instructions: bytes) -> None:
        self._machine = machine
        self._instructions = instructions

    def __len__(self) -> int:
        return len(self._instructions) // self._SIZE

    def __getitem__(self, index: int) -> Decoded:
        return self._value(self._FIELDS.unpack_from(self._instructions, index * self._SIZE))

    def __iter__(self) -> Iterator[Decoded]:
        return map(self._value, self._FIELDS.iter_unpack(self._instructions))

    def named(self, matches: Callable[[str], object]) -> list[int]:
        """Return the positions of instructions whose name matches. Prefixes, conditions and aliases are not in it."""
        kinds = named(self._machine, matches)
        return [found.start() for found in kinds.finditer(self._kinds)] if kinds else []

    def last_operands(self, indexes: Iterable[int]) -> set[str]:
        """Return the last operands of instructions, each once."""
        starts = (index * self._SIZE + self._OPERANDS for index in indexes)
        found = {self._instructions[start : start + self._LONGEST_OPERANDS].partition(b"\0")[0] for start in starts}
        return {operands.rpartition(b" ")[2].decode() for operands in found}

    def avx(self) -> Iterator[Decoded]:
        """Yield the instructions of x86-64 that have a VEX or EVEX encoding (AVX, AVX2, AVX-512, FMA, BMI).

        In 64-bit mode an opcode byte of C4, C5 or 62 has no other meaning (Intel SDM, volume 2, chapter 2). So the
        bytes decide, and capstone only needs to find where instructions begin.
        """
        for match in _MAY_BE_AVX.finditer(self._instructions[self._BYTES :: self._SIZE]):
            found = self[match.start()]
            place = match.start() * self._SIZE + self._BYTES
            contents = self._instructions[place : place + found.size]
            if contents.lstrip(_ADDRESS_PREFIXES).startswith(_VECTOR_PREFIXES) and found.mnemonic != _NOT_CODE:
                yield found

    def floating(self) -> Iterator[Decoded]:
        """Yield the instructions of x86-64 that use a register of SSE, AVX, MMX or x87."""
        return (found for found in self if _FLOAT_REGISTER.search(found.operands) or _X87.match(found.mnemonic))

    @cached_property
    def _kinds(self) -> str:
        """Capstone's number of each instruction's kind, as a character: a pattern finds them in compiled code."""
        step = self._SIZE // struct.calcsize("I")
        numbers = memoryview(self._instructions).cast("I")[::step].tobytes()
        return numbers.decode(f"utf-32-{sys.byteorder[0]}e", "surrogatepass")

    @staticmethod
    def _value(fields: tuple[Any, ...]) -> Decoded:
        _, address, size, _, mnemonic, operands, _ = fields
        return Decoded(address, size, _text(mnemonic), _text(operands))


class Instruction(Struct, frozen=True):
    """`text` is mnemonic and operands, such as "lea rsi, [rsp + 8]"."""

    offset: int
    text: str


def first(code: bytes, count: int, machine: str) -> tuple[Instruction, ...]:
    """Decode the first `count` instructions of `code`, fewer if it is shorter. `machine` is one of `MACHINES`."""
    decoded = _decoder(machine).disasm_lite(code[: count * _LONGEST], 0, count)
    return tuple(_instruction(Decoded(*each)) for each in decoded)


def decode(code: bytes, machine: str, address: int = 0) -> Iterator[Decoded]:
    """Decode code whose first byte is at `address`. Bytes that are not an instruction get the mnemonic ".byte"."""
    start = 0
    for listing in listings(code, machine, address):
        for found in listing:
            yield found
            start = found.offset + found.size - address
    if start < len(code):  # fewer bytes than an instruction of this processor has
        yield Decoded(address + start, len(code) - start, _NOT_CODE, code[start:].hex(" "))


def listings(code: bytes, machine: str, address: int = 0) -> Iterator[Listing]:
    """Decode code whose first byte is at `address`, in portions: capstone needs 248 bytes for each instruction."""
    if machine == "EM_X86_64":
        # Longer than 15 bytes is no instruction, so none begins with 15 prefixes. Capstone would read a run of them to
        # its end, once from each of its bytes: it gets the run's last 14 only.
        code = _PREFIX_RUN.sub(lambda run: _INVALID * (len(run[0]) - 14) + run[0][-14:], code)
    decoder = _decoder(machine)
    start = 0
    while contents := _instructions(decoder, code[start : start + _AT_ONCE * _LONGEST], address + start):
        listing = Listing(machine, contents)
        yield listing
        last = listing[len(listing) - 1]
        start = last.offset + last.size - address


def _instructions(decoder: Any, code: bytes, address: int) -> bytes:
    # As capstone's `disasm_lite`, which makes four values of Python's for each instruction.
    import capstone  # noqa: PLC0415 - see `_decoder`

    found = ctypes.POINTER(capstone._cs_insn)()  # noqa: SLF001 - has no public name
    library = capstone._cs  # noqa: SLF001 - likewise
    count = library.cs_disasm(decoder.csh, code, len(code), address, _AT_ONCE, ctypes.byref(found))
    try:
        return ctypes.string_at(found, count * ctypes.sizeof(capstone._cs_insn)) if count else b""  # noqa: SLF001 - likewise
    finally:
        library.cs_free(found, count)


def text(found: Decoded) -> str:
    return f"{found.mnemonic} {found.operands}".rstrip()


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode()


def _instruction(found: Decoded) -> Instruction:
    return Instruction(found.offset, text(found))


def _decoder(machine: str) -> Any:
    # A new one for each use: SCons checks programs in several threads, and a decoder belongs to one.
    # Imported here: its 55 ms are only for a build that checks a program. It has no type hints.
    import capstone  # noqa: PLC0415

    architecture, modes, *_ = _PROCESSORS[machine]
    decoder = capstone.Cs(getattr(capstone, architecture), sum(getattr(capstone, mode) for mode in modes))
    decoder.skipdata = True
    return decoder
