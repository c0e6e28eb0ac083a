"""Proves that a linked program can be loaded, or says in full why not. Does not know what the rules look at."""

from __future__ import annotations

import json
import stat
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ostoo_build import digest, elf_rules
from ostoo_build.elf import DamagedElfError, Elf, parse
from ostoo_build.elf_rules import Finding
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ostoo_build.elf_rules import ProgramFacts
    from ostoo_build.loader_contract import LoaderContract

_TOLD_PER_RULE = 4
_SHRINK = 'shrink it: strip = true and opt-level = "s" in the Cargo profile, fewer crates, no large initialised statics'
_REBUILD = "build it again: the file is no ELF file, or was cut off or changed after the link"


@dataclass(frozen=True)
class Violation:
    """One broken rule: its name, where, what was found, why the rule is there, and what to change."""

    rule: str
    place: str
    what: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.rule}, {self.place}: {self.what}\n  reason: {self.reason}\n  change: {self.remedy}"


@dataclass(frozen=True)
class Report:
    """A proof for one file, told apart from others by its sha256. Sizes are in bytes, `entry` is hexadecimal."""

    program: str
    uses_std: bool
    kernel: str
    sha256: digest.Hash
    file_size: int
    size_budget: int | None
    memory_size: int
    entry: str
    rules: tuple[str, ...]

    def to_json(self) -> str:
        """For people and tools; equal reports give equal text, and no path is in it."""
        return json.dumps(asdict(self), indent=2) + "\n"


def verify(path: Path, contract: LoaderContract, program: ProgramFacts) -> Report:
    """Hold the ELF file at `path` against the contract; change nothing.

    Raises `OstooError` that lists all violations, or says that there is no such file.
    """
    elf = _read(path, contract, program)
    violations = check(elf, contract, program)
    if violations:
        raise _refusal(path, contract, program, violations)
    return Report(
        program=program.name,
        uses_std=program.uses_std,
        kernel=contract.kernel,
        sha256=digest.of_bytes(elf.data),
        file_size=len(elf.data),
        size_budget=program.size_budget,
        memory_size=elf_rules.memory_size(elf, contract),
        entry=f"{elf.entry:#x}",
        rules=("file-limit", "intact-headers", *elf_rules.RULES),
    )


def check(elf: Elf, contract: LoaderContract, program: ProgramFacts) -> tuple[Violation, ...]:
    """Apply every rule; of one rule's findings the first four are told."""
    violations: list[Violation] = []
    for name, rule in elf_rules.RULES.items():
        found = islice(rule.find(elf, contract, program), _TOLD_PER_RULE)
        broken = [_violation(name, finding, contract, rule.remedy) for finding in found]
        violations += broken
        if broken and rule.decisive:
            break
    return tuple(violations)


def _read(path: Path, contract: LoaderContract, program: ProgramFacts) -> Elf:
    data = _contents(path, contract.file_limit)
    if len(data) > contract.file_limit:
        finding = Finding("the file", f"it has more than {contract.file_limit} bytes")
        raise _refusal(path, contract, program, [_violation("file-limit", finding, contract, _SHRINK)])
    try:
        return parse(data)
    except DamagedElfError as error:
        finding = Finding(f"offset {error.offset:#x}", str(error))
        raise _refusal(path, contract, program, [_violation("intact-headers", finding, contract, _REBUILD)]) from error


def _contents(path: Path, limit: int) -> bytes:
    """The file up to the first byte that is too many: the limit bounds the time and memory of every rule."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OstooError("not a regular file", where=str(path))
        with path.open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as error:
        raise OstooError(f"can't read the program: {error.strerror}", where=str(path)) from error


def _violation(rule: str, finding: Finding, contract: LoaderContract, remedy: str) -> Violation:
    return Violation(rule, finding.place, finding.what, contract.reasons[rule], remedy)


def _refusal(
    path: Path, contract: LoaderContract, program: ProgramFacts, violations: Sequence[Violation]
) -> OstooError:
    listed = "".join(f"\n{violation}" for violation in violations)
    return OstooError(f"{program.name} does not fit the loader of {contract.kernel}:{listed}", where=str(path))
