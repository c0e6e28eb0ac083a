"""Finds in one pass over a program's instructions what the rules about code ask for."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from ostoo_build.binary import disassembly
from ostoo_build.binary.elf import PF_X
from ostoo_build.loader.syscalls import SyscallCollector, SyscallSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.binary.disassembly import Decoded, Listing
    from ostoo_build.binary.elf import Elf

Forbids: TypeAlias = "Callable[[Listing], Iterator[Decoded]]"
"""Yields the instructions that are forbidden."""

MOST_TOLD = 4
"""How many violations of each rule are reported."""


class Code(Struct, frozen=True):
    """All that facts about code depend on: the processor, each piece with its address, and what is forbidden."""

    machine: str
    pieces: tuple[tuple[int, bytes], ...]
    forbidden: tuple[Forbids, ...]


class CodeFacts(Struct, frozen=True):
    """The facts about some code: the first forbidden instructions by address, and all system calls."""

    code: Code
    forbidden: dict[Forbids, list[tuple[int, str]]]
    syscalls: tuple[SyscallSite, ...]


def code_in(elf: Elf, forbidden: tuple[Forbids, ...]) -> Code:
    """Return the code of a program."""
    return Code(elf.machine, tuple(_pieces(elf)), forbidden)


def of(code: Code, ahead: CodeFacts | None) -> CodeFacts:
    """Return the facts about some code: those that were found ahead, if they are about this."""
    return ahead if ahead is not None and ahead.code == code else find(code)


def find(code: Code) -> CodeFacts:
    """Decode some code."""
    forbidden: dict[Forbids, list[tuple[int, str]]] = {forbids: [] for forbids in code.forbidden}
    sites: list[SyscallSite] = []
    searched = [*forbidden.items()] if code.machine == "EM_X86_64" else []
    for address, piece in code.pieces:
        calls = SyscallCollector(code.machine, address)
        for listing in disassembly.listings(piece, code.machine):
            calls.take(listing)
            for forbids, told in searched:
                for found in islice(forbids(listing), MOST_TOLD - len(told)):
                    told.append((address + found.offset, disassembly.text(found)))
        sites += calls.sites()
    return CodeFacts(code, forbidden, tuple(sites))


def _pieces(elf: Elf) -> Iterator[tuple[int, bytes]]:
    """Yield all bytes of executable segments, each once: a malicious file's segments may share bytes many times."""
    done = 0
    executable = (segment for segment in elf.loads if segment.flags & PF_X)
    for each in sorted(executable, key=lambda segment: segment.offset):
        start, end = max(done, each.offset), each.offset + each.file_size
        done = max(done, end)
        if start < end:
            yield each.address + start - each.offset, elf.data[start:end]
