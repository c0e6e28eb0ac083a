"""What a kernel's loader demands of a program, as data read from `targets/*.loader.json`. Does not know ELF files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ostoo_build import sizes
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "loader.schema.json"
"""The schema's file name; it lies beside the contracts, where editors find it too."""


@dataclass(frozen=True)
class ForbiddenRange:
    """Addresses from `start` to just below `end` that no segment may touch."""

    name: str
    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class LoaderContract:
    """One kernel's demands. ELF's words are verbatim, sizes are in bytes, instructions in capstone's Intel syntax.

    `forbidden_addresses` may overlap: the first range that is touched is the one to tell. `reasons` has an entry for
    each rule of `elf_check`.
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
    entry_no_std: tuple[str, ...]
    entry_std: tuple[str, ...]
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
        file_limit=sizes.parse(document["file_limit"]),
        memory_limit=sizes.parse(document["memory_limit"]),
        forbidden_addresses=tuple(
            ForbiddenRange(each["name"], int(each["start"], 16), int(each["end"], 16), each["reason"])
            for each in document["forbidden_addresses"]
        ),
        entry_no_std=tuple(document["entry_instructions"]["no_std"]),
        entry_std=tuple(document["entry_instructions"]["std"]),
        reasons=document["reasons"],
    )


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
