"""Defines what a rule is, and the program that rules examine."""

from __future__ import annotations

from functools import cached_property
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
    from ostoo_build.loader.contract import LoaderContract

Forbids: TypeAlias = "Callable[[Listing], Iterator[Decoded]]"
"""Yields the instructions that are forbidden."""

MOST_TOLD = 4
"""How many violations of each rule are reported."""


class ProgramFacts(Struct, frozen=True):
    """What the plan knows about a program. `size_budget` is in bytes, None without a budget.

    `packages` are the names of the packages in it. `private_folders` are absolute paths of this machine that a program
    must not contain.
    """

    name: str
    uses_std: bool
    size_budget: int | None
    packages: frozenset[str] = frozenset()
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


class Rule(Struct, frozen=True):
    """A check with its remedy.

    If a `decisive` rule is violated, the rules behind it would only report the same again. `forbids` selects the
    instructions of x86-64 that `find` reports.
    """

    find: Callable[[Subject], Iterator[Finding]]
    remedy: str
    decisive: bool = False
    forbids: Forbids | None = None


class CodeFacts(Struct, frozen=True):
    """The result of one pass over all instructions: the first forbidden ones by address, and all system calls."""

    forbidden: dict[Forbids, list[tuple[int, str]]]
    syscalls: tuple[SyscallSite, ...]


class Subject(Struct, frozen=True, dict=True):
    """The program to check, the contract, and the rules for which the contract has a reason."""

    elf: Elf
    contract: LoaderContract
    program: ProgramFacts
    rules: dict[str, Rule]

    @cached_property
    def code(self) -> CodeFacts:
        """Facts about the code. It is decoded once for all rules, because decoding takes most of the time."""
        forbidden: dict[Forbids, list[tuple[int, str]]] = {
            rule.forbids: [] for rule in self.rules.values() if rule.forbids
        }
        sites: list[SyscallSite] = []
        searched = [*forbidden.items()] if self.elf.machine == "EM_X86_64" else []
        for address, code in self._code():
            calls = SyscallCollector(self.elf.machine, address)
            for listing in disassembly.listings(code, self.elf.machine):
                calls.take(listing)
                for forbids, told in searched:
                    for found in islice(forbids(listing), MOST_TOLD - len(told)):
                        told.append((address + found.offset, disassembly.text(found)))
            sites += calls.sites()
        return CodeFacts(forbidden, tuple(sites))

    def _code(self) -> Iterator[tuple[int, bytes]]:
        """Yield all bytes of executable segments, each once: a malicious file's segments may share bytes many times."""
        done = 0
        executable = (segment for segment in self.elf.loads if segment.flags & PF_X)
        for each in sorted(executable, key=lambda segment: segment.offset):
            start, end = max(done, each.offset), each.offset + each.file_size
            done = max(done, end)
            if start < end:
                yield each.address + start - each.offset, self.elf.data[start:end]


def against(forbids: Forbids, remedy: str) -> Rule:
    """Return the rule that reports all instructions of x86-64 that `forbids` selects."""

    def find(subject: Subject) -> Iterator[Finding]:
        for address, text in subject.code.forbidden[forbids]:
            yield Finding(text, address=address)

    return Rule(find, remedy, forbids=forbids)
