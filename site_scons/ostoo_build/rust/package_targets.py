"""Lists the targets of a package, by kind and name.

The rules are those of cargo's reference, "Target auto-discovery"; `test_package_targets_real.py` compares them with
the real cargo.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Target = tuple[str, str]
"""Cargo's kind (`lib`, `cdylib`, `proc-macro`, `bin`, `test`, `example`, `bench`), and the name."""

_FOLDERS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}
_KEYS = {"bin": "autobins", "example": "autoexamples", "test": "autotests", "bench": "autobenches"}
OTHERS = frozenset(_FOLDERS)
"""All kinds except those of a library."""

_OLD = "2015"
"""The edition in which an explicit target disables auto-discovery for its kind."""


def of_package(document: dict[str, Any], fields: dict[str, Any], folder: Path) -> tuple[Target, ...]:
    """Return the targets of the manifest in `folder`; `fields` are those of `[package]`, including inherited ones."""
    found = [*_library(document, fields, folder)]
    for kind in _FOLDERS:
        found += [(kind, name) for name in _of_kind(kind, document.get(kind), fields, folder)]
    return tuple(found)


def _library(document: dict[str, Any], fields: dict[str, Any], folder: Path) -> Iterator[Target]:
    is_found = fields.get("autolib", True) and (folder / "src/lib.rs").is_file()
    if "lib" not in document and not is_found:
        return
    table = document.get("lib", {})
    name = str(table.get("name", str(fields["name"]).replace("-", "_")))
    is_macro = table.get("proc-macro") or table.get("proc_macro")
    types = table.get("crate-type") or table.get("crate_type") or ["lib"]
    yield from ((kind, name) for kind in (["proc-macro"] if is_macro else types))


def _of_kind(kind: str, written: list[dict[str, Any]] | None, fields: dict[str, Any], folder: Path) -> Iterator[str]:
    """Return the explicit targets and those that auto-discovery finds, each once."""
    searches = fields.get(_KEYS[kind])
    if searches is None:
        searches = written is None or str(fields.get("edition", _OLD)) != _OLD
    tables = written or []
    names = {str(table.get("name")): None for table in tables}
    paths = {os.path.normpath(str(table["path"])) for table in tables if "path" in table}
    yield from names
    for name, path in _found(kind, str(fields["name"]), folder) if searches else ():
        if name not in names and path not in paths:
            yield name


def _found(kind: str, package: str, folder: Path) -> Iterator[tuple[str, str]]:
    if kind == "bin" and (folder / "src/main.rs").exists():
        yield package, "src/main.rs"
    place = folder / _FOLDERS[kind]
    for entry in sorted(place.iterdir()) if place.is_dir() else ():
        path = f"{_FOLDERS[kind]}/{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.suffix == ".rs":
            yield entry.stem, path
        elif entry.is_dir() and (entry / "main.rs").exists():
            yield entry.name, f"{path}/main.rs"
