"""Writes a stub libunwind.a, whose functions report the end of the stack.

std's `unwind` crate names `-lunwind` for every musl target. Fat LTO drops its calls when std has no `backtrace`
feature, all other builds need the symbols. With `panic = "abort"` nothing is ever unwound, so a few machine
instructions serve: a backtrace has no frames, and a raised exception finds no handler (std then aborts).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ostoo_build.binary import ar

if TYPE_CHECKING:
    from collections.abc import Mapping

URC_END_OF_STACK = 5
"""`_Unwind_Reason_Code` of the Itanium C++ ABI: there are no more frames."""

SYMBOLS = {
    "_Unwind_Backtrace": URC_END_OF_STACK,
    "_Unwind_RaiseException": URC_END_OF_STACK,
    "_Unwind_DeleteException": 0,
    "_Unwind_FindEnclosingFunction": 0,
    "_Unwind_GetCFA": 0,
    "_Unwind_GetDataRelBase": 0,
    "_Unwind_GetIP": 0,
    "_Unwind_GetIPInfo": 0,
    "_Unwind_GetLanguageSpecificData": 0,
    "_Unwind_GetRegionStart": 0,
    "_Unwind_GetTextRelBase": 0,
    "_Unwind_SetGR": 0,
    "_Unwind_SetIP": 0,
}
"""The symbols that std and panic_unwind import (`library/unwind/src/libunwind.rs`), with the return values."""

_RETURN = {
    "EM_X86_64": {
        0: bytes.fromhex("31c0 c3"),  # xor eax, eax; ret
        URC_END_OF_STACK: bytes.fromhex("b805000000 c3"),  # mov eax, 5; ret
    },
    "EM_AARCH64": {
        0: bytes.fromhex("00008052 c0035fd6"),  # mov w0, #0; ret
        URC_END_OF_STACK: bytes.fromhex("a0008052 c0035fd6"),  # mov w0, #5; ret
    },
    "EM_RISCV": {
        0: bytes.fromhex("13050000 67800000"),  # addi a0, zero, 0; jalr zero, 0(ra)
        URC_END_OF_STACK: bytes.fromhex("13055000 67800000"),  # addi a0, zero, 5; jalr zero, 0(ra)
    },
}

# Numbers of the ELF specification: each start needs the stub, and importing pyelftools is slow.
_EM = {"EM_X86_64": 62, "EM_AARCH64": 183, "EM_RISCV": 243}
_EF = {"EM_RISCV": 0x4}
"""Processor flags.

LLD refuses to link objects with different floating-point ABIs; this is EF_RISCV_FLOAT_ABI_DOUBLE.
"""
_ET_REL = 1
_SHT_PROGBITS, _SHT_SYMTAB, _SHT_STRTAB = 1, 2, 3
_SHF_ALLOC_EXECINSTR = 2 | 4
_STB_GLOBAL_STT_FUNC = 1 << 4 | 2
_ELF_HEADER = struct.Struct("<4s5B7xHHIQQQIHHHHHH")
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")


def library(elf_machine: str) -> bytes:
    """Return the archive for one of ELF's machines (`EM_X86_64`). Raises `KeyError` for an unsupported one."""
    code = {name: _RETURN[elf_machine][result] for name, result in SYMBOLS.items()}
    return ar.write([ar.IndexedMember(ar.Member("unwind.o", relocatable(elf_machine, code)), tuple(code))])


def relocatable(elf_machine: str, functions: Mapping[str, bytes]) -> bytes:
    """Return a 64-bit little-endian ELF object that defines `functions`; the values are machine code."""
    text = b""
    strings = b"\0.text\0.symtab\0.strtab\0.note.GNU-stack\0"
    symbols = _SYMBOL.pack(0, 0, 0, 0, 0, 0)
    for name, code in functions.items():
        symbols += _SYMBOL.pack(len(strings), _STB_GLOBAL_STT_FUNC, 0, 1, len(text), len(code))
        text += code
        strings += name.encode() + b"\0"
    sections = [
        (_SHT_PROGBITS, b".text", text, (_SHF_ALLOC_EXECINSTR, 0, 0, 1, 0)),
        (_SHT_SYMTAB, b".symtab", symbols, (0, 3, 1, 8, _SYMBOL.size)),
        (_SHT_STRTAB, b".strtab", strings, (0, 0, 0, 1, 0)),
        (_SHT_PROGBITS, b".note.GNU-stack", b"", (0, 0, 0, 1, 0)),
    ]
    body = b""
    headers = bytes(_SECTION_HEADER.size)
    for kind, section, data, (flags, link, info, align, entry_size) in sections:
        body += bytes(-len(body) % align)
        headers += _SECTION_HEADER.pack(
            strings.index(section),
            kind,
            flags,
            0,
            _ELF_HEADER.size + len(body),
            len(data),
            link,
            info,
            align,
            entry_size,
        )
        body += data
    body += bytes(-len(body) % 8)
    header = _ELF_HEADER.pack(
        *(b"\x7fELF", 2, 1, 1, 0, 0),  # 64-bit, little-endian, version 1
        *(_ET_REL, _EM[elf_machine], 1),
        *(0, 0, _ELF_HEADER.size + len(body), _EF.get(elf_machine, 0)),
        *(_ELF_HEADER.size, 0, 0, _SECTION_HEADER.size, len(sections) + 1, 3),
    )
    return header + body + headers
