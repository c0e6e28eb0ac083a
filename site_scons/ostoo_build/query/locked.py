"""Compares two Cargo.lock for the packages that one package needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.base import toml_file

if TYPE_CHECKING:
    from collections.abc import Mapping

Lock = dict[str, list[dict[str, Any]]]
"""The entries of a lock by the names of packages."""


def read(content: bytes | None) -> Lock:
    """Read a lock; one that is missing or damaged has no entries."""
    try:
        entries = toml_file.parse(content or b"").get("package", [])
        found: Lock = {}
        for entry in entries:
            found.setdefault(entry["name"], []).append(entry)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return found


def is_same_for(package: str, before: Lock, after: Lock) -> bool:
    """Whether two locks say the same of a package and all that it may need."""
    return package in after and _needed(package, before) == _needed(package, after)


def _needed(package: str, lock: Mapping[str, list[dict[str, Any]]]) -> list[Mapping[str, Any]]:
    """Return the entries of a package and of all below it. A dependency is named with its version if there are more."""
    found: dict[str, None] = {}
    entries: list[Mapping[str, Any]] = []
    waiting = [package]
    while waiting:
        name, *more = waiting.pop().split(" ")
        for entry in lock.get(name, ()):
            label = f"{name} {entry.get('version')} {entry.get('source')}"
            if more[:1] in ([], [entry.get("version")]) and label not in found:
                found[label] = None
                entries.append(entry)
                waiting += entry.get("dependencies", [])
    return sorted(entries, key=repr)
