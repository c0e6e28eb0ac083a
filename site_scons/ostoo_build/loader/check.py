"""Checks a linked program against the loader contract, and reports every violation."""

from __future__ import annotations

import json
import stat
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct, to_builtins

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.binary.elf import DamagedElfError, Elf, parse
from ostoo_build.loader import code_facts, code_rules, file_rules
from ostoo_build.loader.code_facts import MOST_TOLD
from ostoo_build.loader.rule import Finding, Subject, forbidden_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ostoo_build.binary.functions import Symbols
    from ostoo_build.loader.code_facts import CodeFacts
    from ostoo_build.loader.contract import LoaderContract
    from ostoo_build.loader.rule import ProgramFacts, Rule

_SHRINK = 'shrink it: strip = true and opt-level = "s" in the Cargo profile, fewer crates, no large initialised statics'
_REBUILD = "build it again: the file is not an ELF file, or was truncated or modified after the link"
_BUDGET = "size-budget"
RULES = {**file_rules.RULES, **code_rules.RULES}
"""By name, in the order of checking."""

_ALWAYS = {
    "file-limit": "no larger file is checked",
    "intact-headers": "no loader can read it",
}
"""Rules that apply to every target, with their reasons."""


class Violation(Struct, frozen=True):
    """A violation of one rule: where it is, in which function, what was found, the rule's reason, and the remedy."""

    rule: str
    place: str
    what: str
    reason: str
    remedy: str
    symbol: str = ""

    def __str__(self) -> str:
        place = f"{self.place} ({self.symbol})" if self.symbol else self.place
        return f"{self.rule}, {place}: {self.what}\n  reason: {self.reason}\n  change: {self.remedy}"


class CheckReport(Struct, frozen=True):
    """The result of a successful check of one file, which its sha256 identifies.

    Sizes are in bytes, addresses hexadecimal.

    `syscalls` are the numbers in the code, `hidden_syscalls` the addresses of calls whose number is not visible.
    """

    program: str
    uses_std: bool
    kernel: str
    sha256: digest.Hash
    file_size: int
    size_budget: int | None
    memory_size: int
    entry: str
    syscalls: tuple[int, ...]
    hidden_syscalls: tuple[str, ...]
    rules: tuple[str, ...]

    def to_json(self) -> str:
        """Return the report for people and tools. Equal reports give equal text; it contains no path."""
        return json.dumps(to_builtins(self), indent=2) + "\n"


def look_ahead(data: bytes, contract: LoaderContract) -> CodeFacts:
    """Return facts about the code in a file of which the one to check is made. Raises `DamagedElfError`."""
    return code_facts.find(code_facts.code_in(parse(data), forbidden_by(_rules(contract))))


def verify(
    path: Path,
    contract: LoaderContract,
    program: ProgramFacts,
    symbols: Callable[[], Symbols],
    ahead: CodeFacts | None = None,
) -> CheckReport:
    """Check the ELF file at `path` against the contract. `symbols` is called only if a violation is in code.

    `ahead` is what `look_ahead` returned. Raises `OstooError`, which lists all violations, or if there is no such file.
    """
    elf = _read(path, contract, program)
    rules = _rules(contract)
    subject = Subject(elf, contract, program, rules, ahead)
    violations = check(subject, symbols)
    if violations:
        raise _refusal(path, contract, program, violations)
    calls = subject.code.syscalls
    return CheckReport(
        program=program.name,
        uses_std=program.uses_std,
        kernel=contract.kernel,
        sha256=digest.of_bytes(elf.data),
        file_size=len(elf.data),
        size_budget=program.size_budget,
        memory_size=file_rules.memory_size(elf, contract),
        entry=f"{elf.entry:#x}",
        syscalls=tuple(sorted({site.number for site in calls if site.number is not None})),
        hidden_syscalls=tuple(f"{site.address:#x}" for site in calls if site.number is None),
        rules=(*_ALWAYS, *rules),
    )


def check(subject: Subject, symbols: Callable[[], Symbols]) -> tuple[Violation, ...]:
    """Apply every rule for which the contract has a reason. Returns at most four violations of each."""
    found = list(_found(subject))
    needs_names = any(finding.address is not None or rule == _BUDGET for rule, finding in found)
    known = symbols() if needs_names else None
    return tuple(_violation(rule, finding, subject.contract, known) for rule, finding in found)


def _rules(contract: LoaderContract) -> dict[str, Rule]:
    return {name: rule for name, rule in RULES.items() if name in contract.reasons}


def _found(subject: Subject) -> Iterator[tuple[str, Finding]]:
    for name, rule in subject.rules.items():
        found = list(islice(rule.find(subject), MOST_TOLD))
        yield from ((name, finding) for finding in found)
        if found and rule.decisive:
            return


def _read(path: Path, contract: LoaderContract, program: ProgramFacts) -> Elf:
    data = _contents(path, contract.file_limit)
    if len(data) > contract.file_limit:
        finding = Finding(f"it has more than {contract.file_limit} bytes")
        raise _refusal(path, contract, program, [_violation("file-limit", finding, contract)])
    try:
        return parse(data)
    except DamagedElfError as error:
        finding = Finding(str(error), offset=error.offset)
        raise _refusal(path, contract, program, [_violation("intact-headers", finding, contract)]) from error


def _contents(path: Path, limit: int) -> bytes:
    """Read a file up to one byte beyond the limit, which bounds the time and memory of every rule."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OstooError("not a regular file", where=str(path))
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise OstooError(f"can't read the program: {error.strerror}", where=str(path)) from error


def _violation(rule: str, finding: Finding, contract: LoaderContract, symbols: Symbols | None = None) -> Violation:
    reason = contract.reasons.get(rule) or _ALWAYS[rule]
    symbol = symbols.at(finding.address) if symbols and finding.address is not None else ""
    blame = _largest_crates(symbols) if symbols and rule == _BUDGET else ""
    return Violation(rule, finding.place, f"{finding.what}{blame}", reason, _remedy(rule), symbol)


def _largest_crates(symbols: Symbols) -> str:
    largest = symbols.bytes_by_crate().most_common(MOST_TOLD)
    return f"; most code is from {', '.join(f'{crate} ({size})' for crate, size in largest)}" if largest else ""


def _remedy(rule: str) -> str:
    own = {"file-limit": _SHRINK, "intact-headers": _REBUILD}
    return own[rule] if rule in own else RULES[rule].remedy


def _refusal(
    path: Path, contract: LoaderContract, program: ProgramFacts, violations: Sequence[Violation]
) -> OstooError:
    listed = "".join(f"\n{violation}" for violation in violations)
    return OstooError(f"{program.name} does not fit the loader of {contract.kernel}:{listed}", where=str(path))
