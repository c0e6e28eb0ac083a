"""The loader contract: what a kernel's loader demands of a program, read from `targets/*.loader.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from ostoo_build.base import byte_size, json_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = Path(__file__).with_name("loader.schema.json")

_LARGEST_FILE = "256 MiB"
_ALL_MEMORY = 1 << 64


class ForbiddenRange(Struct, frozen=True):
    """Addresses, from `start` up to but excluding `end`, that no segment may use."""

    name: str
    start: int
    end: int
    reason: str


class Stack(Struct, frozen=True):
    """The stack that the loader gives to a program, in bytes, and the reason for this size."""

    size: int
    reason: str


class EntryInstructions(Struct, frozen=True):
    """The first instructions of a program, in capstone's spelling; of programs with the package `runtime` if it is set.

    What a kernel demands holds for all programs, what a runtime does with it only for those that have it.
    """

    runtime: str = ""
    no_std: tuple[str, ...] = ()
    std: tuple[str, ...] = ()


class Syscalls(Struct, frozen=True):
    """The numbers that the kernel implements, and numbers that a program may use nevertheless, with the reason.

    `limited` are those that it implements in part: as a stub, or for vfork only.
    """

    served: frozenset[int] = frozenset()
    limited: Mapping[int, str] = field(default_factory=dict)
    tolerated: Mapping[int, str] = field(default_factory=dict)

    def allows(self, number: int) -> bool:
        return number in self.served or number in self.limited or number in self.tolerated


class LoaderContract(Struct, frozen=True):
    """The requirements of one kernel. Names of ELF are verbatim, sizes are in bytes.

    `forbidden_addresses` may overlap; the first range that a segment uses is reported. `reasons` has an entry for each
    rule of `file_rules` and `code_rules` that is applied. If a limit is not required, it is the maximum that this check
    supports. `stack` is None if the contract does not contain it.
    """

    kernel: str
    elf_class: str
    encoding: str
    machine: str
    kind: str
    page_size: int
    file_limit: int
    memory_limit: int
    stack: Stack | None
    forbidden_addresses: tuple[ForbiddenRange, ...]
    entry_instructions: EntryInstructions
    syscalls: Syscalls
    reasons: Mapping[str, str]


def load(path: Path) -> LoaderContract:
    """Read a contract and validate it against `SCHEMA`. Raises `OstooError` with file and JSON pointer."""
    document = json_schema.load(path, SCHEMA, "the loader contract")
    return LoaderContract(
        kernel=document["kernel"],
        elf_class=document["class"],
        encoding=document["encoding"],
        machine=document["machine"],
        kind=document["type"],
        page_size=byte_size.parse(document["page_size"]),
        file_limit=byte_size.parse(document.get("file_limit", _LARGEST_FILE)),
        memory_limit=byte_size.parse(document["memory_limit"]) if "memory_limit" in document else _ALL_MEMORY,
        stack=_stack(document.get("stack")),
        forbidden_addresses=tuple(
            ForbiddenRange(each["name"], int(each["start"], 16), int(each["end"], 16), each["reason"])
            for each in document.get("forbidden_addresses", ())
        ),
        entry_instructions=_entry_instructions(document.get("entry_instructions", {})),
        syscalls=_syscalls(document.get("syscalls", {"served": []})),
        reasons=document["reasons"],
    )


def _stack(raw: Mapping[str, str] | None) -> Stack | None:
    return None if raw is None else Stack(byte_size.parse(raw["size"]), raw["reason"])


def _entry_instructions(raw: Mapping[str, Any]) -> EntryInstructions:
    return EntryInstructions(raw.get("runtime", ""), tuple(raw.get("no_std", ())), tuple(raw.get("std", ())))


def _syscalls(raw: Mapping[str, Any]) -> Syscalls:
    tolerated = {each["number"]: each["reason"] for each in raw.get("tolerated", ())}
    limited = {each["number"]: f"a stub: {each['reason']}" for each in raw.get("stubs", ())}
    limited |= {each["number"]: f"as vfork only: {each['reason']}" for each in raw.get("vfork_only", ())}
    return Syscalls(frozenset(raw["served"]), limited, tolerated)
