"""What a kernel's loader demands of a program, as data read from `targets/*.loader.json`. Does not know ELF files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ostoo_build import sizes
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "loader.schema.json"
"""The schema's file name; it lies beside the contracts, where editors find it too."""

_LARGEST_FILE = "256 MiB"
_ALL_MEMORY = 1 << 64


@dataclass(frozen=True)
class ForbiddenRange:
    """Addresses from `start` to just below `end` that no segment may touch."""

    name: str
    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class EntryInstructions:
    """What a program begins with, as capstone writes it."""

    no_std: tuple[str, ...] = ()
    std: tuple[str, ...] = ()


@dataclass(frozen=True)
class Syscalls:
    """The numbers that the kernel serves; those that a program may try all the same, with the reason."""

    served: frozenset[int] = frozenset()
    tolerated: Mapping[int, str] = field(default_factory=dict)

    def allows(self, number: int) -> bool:
        return number in self.served or number in self.tolerated


@dataclass(frozen=True)
class LoaderContract:
    """One kernel's demands. ELF's words are verbatim, sizes are in bytes.

    `forbidden_addresses` may overlap: the first range that is touched is the one to tell. `reasons` has an entry for
    each rule of `elf_rules` that is applied; a limit that is not demanded is the most that this check can hold.
    """

    kernel: str
    elf_class: str
    encoding: str
    machine: str
    kind: str
    page_size: int
    file_limit: int
    memory_limit: int
    forbidden_addresses: tuple[ForbiddenRange, ...]
    entry_instructions: EntryInstructions
    syscalls: Syscalls
    reasons: Mapping[str, str]


def load(path: Path) -> LoaderContract:
    """Read a contract and hold it against the schema beside it. Raises `OstooError` with file and JSON pointer."""
    document = _read(path)
    _validate(document, _read(path.with_name(SCHEMA)), path)
    return LoaderContract(
        kernel=document["kernel"],
        elf_class=document["class"],
        encoding=document["encoding"],
        machine=document["machine"],
        kind=document["type"],
        page_size=sizes.parse(document["page_size"]),
        file_limit=sizes.parse(document.get("file_limit", _LARGEST_FILE)),
        memory_limit=sizes.parse(document["memory_limit"]) if "memory_limit" in document else _ALL_MEMORY,
        forbidden_addresses=tuple(
            ForbiddenRange(each["name"], int(each["start"], 16), int(each["end"], 16), each["reason"])
            for each in document.get("forbidden_addresses", ())
        ),
        entry_instructions=_entry_instructions(document.get("entry_instructions", {})),
        syscalls=_syscalls(document.get("syscalls", {"served": []})),
        reasons=document["reasons"],
    )


def _entry_instructions(raw: Mapping[str, list[str]]) -> EntryInstructions:
    return EntryInstructions(*(tuple(raw.get(kind, ())) for kind in ("no_std", "std")))


def _syscalls(raw: Mapping[str, Any]) -> Syscalls:
    tolerated = {each["number"]: each["reason"] for each in raw.get("tolerated", ())}
    return Syscalls(frozenset(raw["served"]), tolerated)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise OstooError(f"can't read it: {error.strerror}", where=str(path)) from error
    except json.JSONDecodeError as error:
        raise OstooError(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise OstooError(f"not JSON: {error}", where=str(path)) from error


def _validate(document: Any, schema: Any, path: Path) -> None:
    import jsonschema  # noqa: PLC0415 - 50 ms that only a build which checks a program has to pay

    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(document))
    if error is not None:
        pointer = "".join(f"/{part}" for part in error.absolute_path)
        raise OstooError(
            f"the loader contract breaks its schema: {error.message}",
            where=f"{path}#{pointer}",
            remedy=f"{path.with_name(SCHEMA)} tells what is allowed there",
        )
