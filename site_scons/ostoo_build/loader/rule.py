"""Defines what a rule is, and the program that rules examine."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.loader import code_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ostoo_build.binary.elf import Elf
    from ostoo_build.loader.code_facts import CodeFacts, Forbids
    from ostoo_build.loader.contract import LoaderContract


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


class Subject(Struct, frozen=True, dict=True):
    """The program to check, the contract, and the rules for which the contract has a reason.

    `ahead` are facts about code that may be the program's.
    """

    elf: Elf
    contract: LoaderContract
    program: ProgramFacts
    rules: dict[str, Rule]
    ahead: CodeFacts | None = None

    @cached_property
    def code(self) -> CodeFacts:
        """Facts about the code. It is decoded once for all rules, because decoding takes most of the time."""
        return code_facts.of(code_facts.code_in(self.elf, forbidden_by(self.rules)), self.ahead)


def forbidden_by(rules: Mapping[str, Rule]) -> tuple[Forbids, ...]:
    """Return what selects the instructions that some rules forbid."""
    return tuple(rule.forbids for rule in rules.values() if rule.forbids)


def against(forbids: Forbids, remedy: str) -> Rule:
    """Return the rule that reports all instructions of x86-64 that `forbids` selects."""

    def find(subject: Subject) -> Iterator[Finding]:
        for address, text in subject.code.forbidden[forbids]:
            yield Finding(text, address=address)

    return Rule(find, remedy, forbids=forbids)
