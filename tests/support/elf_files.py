"""Small ELF programs that keep ostoo's contract, so that a test can break one rule at a time."""

import struct
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.binary.functions import Symbols
from ostoo_build.loader import contract as loader_contract
from ostoo_build.loader.rule import ProgramFacts

CONTRACT_FILE = Path(__file__).parents[2] / "targets/x86_64-ostoo-user.loader.json"
CONTRACT = loader_contract.load(CONTRACT_FILE)
STD = ProgramFacts(
    "example",
    uses_std=True,
    size_budget=None,
    packages=frozenset({"ostoo-rt"}),
    private_folders=("/home/me", "/home/me/tree"),
)
NO_STD = replace(STD, uses_std=False)


def no_symbols() -> Symbols:
    return Symbols(())


PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_TLS, PT_GNU_STACK = 1, 2, 3, 7, 0x6474E551
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_DYNAMIC, SHT_NOBITS, SHT_REL, SHT_RELR = 1, 2, 3, 4, 6, 8, 9, 19
R, W, X = 4, 2, 1
HEADER, PHDR, SHDR = 64, 56, 64

START = bytes.fromhex("488b3c24 488d742408")  # mov rdi, [rsp]; lea rsi, [rsp + 8]
EXIT = bytes.fromhex("b83c000000 0f05")  # mov eax, 60; syscall
BASE, TEXT, DATA = 0x200000, 0x201000, 0x202000


class Part(Struct, frozen=True):
    """A program header and its contents. By default it lies in the next free bytes and is as large as they."""

    kind: int
    flags: int
    address: int
    contents: bytes = b""
    offset: int | None = None
    file_size: int | None = None
    memory_size: int | None = None


class Program(Struct, frozen=True):
    """What `data` writes: first `headers` of the file as a segment, then `parts`; the section headers last."""

    parts: tuple[Part, ...]
    headers: Part | None = Part(PT_LOAD, R, BASE, offset=0)
    sections: tuple[tuple[str, int], ...] = ()
    entry: int = TEXT
    kind: int = 2
    machine: int = 62

    def data(self) -> bytes:
        parts = self.parts if self.headers is None else (self.headers, *self.parts)
        body_start = HEADER + PHDR * len(parts)
        body = b""
        table = b""
        for part in parts:
            offset = body_start + len(body) if part.offset is None else part.offset
            contents_size = body_start if part is self.headers else len(part.contents)
            size = contents_size if part.file_size is None else part.file_size
            body += part.contents
            memory = size if part.memory_size is None else part.memory_size
            table += struct.pack("<IIQQQQQQ", part.kind, part.flags, offset, part.address, 0, size, memory, 0x1000)
        sections = _sections(self.sections, body_start + len(body))
        count = len(self.sections) + 2
        ident = b"\x7fELF\2\1\1".ljust(16, b"\0")
        table_start = body_start + len(body) + len(sections) - count * SHDR
        numbers = (self.kind, self.machine, 1, self.entry, HEADER, table_start, 0, 64, PHDR, len(parts), SHDR, count)
        return ident + struct.pack("<HHIQQQIHHHHHH", *numbers, count - 1) + table + body + sections


def _sections(named: tuple[tuple[str, int], ...], start: int) -> bytes:
    names = b"\0"
    headers = bytes(SHDR)
    for name, kind in (*named, (".shstrtab", SHT_STRTAB)):
        at, names = len(names), names + name.encode() + b"\0"
        size = len(names) if name == ".shstrtab" else 0
        headers += struct.pack("<IIQQQQIIQQ", at, kind, 0, 0, start, size, 0, 0, 1, 0)
    return names + headers


GOOD = Program(
    (
        Part(PT_LOAD, R | X, TEXT, START + EXIT),
        Part(PT_LOAD, R | W, DATA, b"data", memory_size=100),
        Part(PT_GNU_STACK, R | W, 0),
    ),
    sections=((".text", SHT_PROGBITS),),
)


def with_text(contents: bytes) -> Program:
    return replace(GOOD, parts=(replace(GOOD.parts[0], contents=contents), *GOOD.parts[1:]))


def with_data_segment(**changes: int) -> Program:
    # Every field of a Part that is an int may be named.
    return replace(GOOD, parts=(GOOD.parts[0], replace(GOOD.parts[1], **changes), *GOOD.parts[2:]))


def with_part(part: Part) -> Program:
    return replace(GOOD, parts=(*GOOD.parts, part))


def with_section(name: str, kind: int) -> Program:
    return replace(GOOD, sections=(*GOOD.sections, (name, kind)))


def patched(data: bytes, offset: int, layout: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into("<" + layout, changed, offset, *values)
    return bytes(changed)
