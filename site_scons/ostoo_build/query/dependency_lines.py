"""Reads the dependency lines of a Cargo.toml, with what they inherit, and what its features enable."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import toml_file
from ostoo_build.planning import package_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DEFAULT = "default"
"""The feature that a line enables unless it says otherwise."""


class Kind(Enum):
    """For what a dependency is: cargo's names of the tables."""

    NORMAL = "dependencies"
    BUILD = "build-dependencies"
    DEV = "dev-dependencies"


class DependencyLine(Struct, frozen=True):
    """One dependency: `place` is its key in the manifest, `name` the one by which features mean it.

    `package` is the package's own name, `features` those that it enables there, `default` included.
    """

    kind: Kind
    place: str
    name: str
    package: str
    features: tuple[str, ...]
    is_optional: bool


class DeclaredFeatures(Struct, frozen=True):
    """What a package's Cargo.toml says: its dependencies, and what each of its features enables."""

    lines: tuple[DependencyLine, ...]
    features: dict[str, tuple[str, ...]]


def read(manifest: Path) -> DeclaredFeatures:
    """Read a package's manifest. Raises `OstooError` if it is not valid."""
    document = toml_file.load(manifest)
    inherited = _inherited(manifest, document)
    lines = tuple(_lines(document, inherited))
    features = {name: tuple(items) for name, items in document.get("features", {}).items()}
    named = {item.removeprefix("dep:") for items in features.values() for item in items if item.startswith("dep:")}
    implicit = (line.name for line in lines if line.is_optional and line.name not in named)
    return DeclaredFeatures(lines, {**{name: (f"dep:{name}",) for name in implicit}, **features})


def _inherited(manifest: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Return the dependencies that the workspace declares for its members."""
    if "workspace" in document:
        root = document
    else:
        folder = package_places.workspace_of(manifest.parent)
        root = toml_file.load(folder / "Cargo.toml") if folder != manifest.parent else {}
    found: dict[str, Any] = root.get("workspace", {}).get("dependencies", {})
    return found


def _lines(document: Mapping[str, Any], inherited: Mapping[str, Any]) -> Iterator[DependencyLine]:
    tables = [("", document), *((f"target.'{cfg}'.", table) for cfg, table in document.get("target", {}).items())]
    for prefix, table in tables:
        for kind in Kind:
            for word in dict.fromkeys((kind.value, kind.value.replace("-", "_"))):
                yield from _of_table(kind, f"{prefix}{word}", table.get(word, {}), inherited)


def _of_table(
    kind: Kind, place: str, table: Mapping[str, Any], inherited: Mapping[str, Any]
) -> Iterator[DependencyLine]:
    for name, value in table.items():
        own = value if isinstance(value, dict) else {}
        base = inherited.get(name) if own.get("workspace") is True else None
        above: dict[str, Any] = base if isinstance(base, dict) else {}
        features = (*_words(above, "features"), *_words(own, "features"))
        # a member can enable the default features that its workspace disables, but not the other way round
        defaults = [each[key] for each in (above, own) for key in _DEFAULT_KEYS if key in each] or [True]
        yield DependencyLine(
            kind=kind,
            place=f"{place}.{name}",
            name=name,
            package=str(above.get("package", own.get("package", name))),
            features=tuple(dict.fromkeys((*features, *((DEFAULT,) if any(defaults) else ())))),
            is_optional=own.get("optional") is True,
        )


_DEFAULT_KEYS = ("default-features", "default_features")


def _words(table: Mapping[str, Any], key: str) -> Sequence[str]:
    found: Sequence[str] = table.get(key, ())
    return found
