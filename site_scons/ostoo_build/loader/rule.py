"""Defines what a rule is, and the program that rules examine."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.binary import disassembly
from ostoo_build.binary.elf import PF_X
from ostoo_build.loader.syscalls import SyscallCollector, SyscallSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.binary.elf import Elf
    from ostoo_build.loader.contract import LoaderContract

_MOST_TOLD = 4


class ProgramFacts(Struct, frozen=True):
    """What the plan knows about a program. `size_budget` is in bytes, None without a budget.

    `private_folders` are absolute paths of this machine that a program must not contain.
    """

    name: str
    uses_std: bool
    size_budget: int | None
    private_folders: tuple[str, ...] = ()


class Finding(Struct, frozen=True):
    """A problem at a memory address, at a file offset, or, without both, of the file as a whole."""

    what: str
    address: int | None = None
    offset: int | None = None

    @property
    def place(self) -> str:
        if self.address is not None:
            return f"address {self.address:#x}"
        return "the file" if self.offset is None else f"offset {self.offset:#x}"


class CodeFacts(Struct, frozen=True):
    """The result of one pass over all instructions: the first forbidden ones by address, and all system calls."""

    avx: tuple[tuple[int, str], ...]
    float_registers: tuple[tuple[int, str], ...]
    syscalls: tuple[SyscallSite, ...]


class Subject(Struct, frozen=True, dict=True):
    """The program to check, and the contract."""

    elf: Elf
    contract: LoaderContract
    program: ProgramFacts

    @cached_property
    def code(self) -> CodeFacts:
        """Facts about the code. It is decoded once for all rules, because decoding takes most of the time."""
        avx: list[tuple[int, str]] = []
        floats: list[tuple[int, str]] = []
        sites: list[SyscallSite] = []
        is_x86 = self.elf.machine == "EM_X86_64"
        needs_floats = is_x86 and "no-float-registers" in self.contract.reasons
        for address, code in self._code():
            calls = SyscallCollector(self.elf.machine, address)
            for found in disassembly.decode(code, self.elf.machine):
                calls.take(found)
                if is_x86 and len(avx) < _MOST_TOLD and disassembly.is_avx(code, found):
                    avx.append((address + found.offset, disassembly.text(found)))
                if needs_floats and len(floats) < _MOST_TOLD and disassembly.uses_float_registers(found):
                    floats.append((address + found.offset, disassembly.text(found)))
            sites += calls.sites()
        return CodeFacts(tuple(avx), tuple(floats), tuple(sites))

    def _code(self) -> Iterator[tuple[int, bytes]]:
        """Yield all bytes of executable segments, each once: a malicious file's segments may share bytes many times."""
        done = 0
        executable = (segment for segment in self.elf.loads if segment.flags & PF_X)
        for each in sorted(executable, key=lambda segment: segment.offset):
            start, end = max(done, each.offset), each.offset + each.file_size
            done = max(done, end)
            if start < end:
                yield each.address + start - each.offset, self.elf.data[start:end]


class Rule(Struct, frozen=True):
    """A check with its remedy.

    If a `decisive` rule is violated, the rules behind it would only report the same again.
    """

    find: Callable[[Subject], Iterator[Finding]]
    remedy: str
    decisive: bool = False
