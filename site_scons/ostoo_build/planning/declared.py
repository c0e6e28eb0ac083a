"""The dependencies and features that a manifest declares (cargo's reference, "Specifying Dependencies", "Features")."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.planning.features import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Kind(Enum):
    """Which crates of a package have a dependency: all, its build script, or its tests and examples."""

    NORMAL = "dependencies"
    BUILD = "build-dependencies"
    DEV = "dev-dependencies"


_TABLES = {spelling: kind for kind in Kind for spelling in (kind.value, kind.value.replace("-", "_"))}
"""The kinds by the names of their tables; cargo also accepts `_`."""


class Dependency(Struct, frozen=True):
    """A dependency: the name that its package is used by, the package's own name, and the features that it asks for."""

    name: str
    package: str
    kind: Kind
    is_optional: bool
    features: tuple[str, ...]


class Declared(Struct, frozen=True):
    """Features with what they enable, and dependencies.

    Optional dependencies that no feature refers to by `dep:` are features too.
    """

    features: dict[str, tuple[str, ...]]
    dependencies: tuple[Dependency, ...]

    @property
    def required(self) -> frozenset[str]:
        """Return the names of the dependencies that are always there."""
        return frozenset(each.name for each in self.dependencies if not (each.is_optional or each.kind is Kind.DEV))


def of(document: Mapping[str, Any], inherited: Mapping[str, Any]) -> Declared:
    """Return what a manifest declares; `inherited` are the dependencies of its workspace."""
    found = tuple(
        _dependency(_TABLES[table], name, value if isinstance(value, dict) else {}, inherited)
        for table, name, value in tables(document)
    )
    features = {name: tuple(items) for name, items in document.get("features", {}).items()}
    hidden = {item.removeprefix("dep:") for items in features.values() for item in items if item.startswith("dep:")}
    optional = (each.name for each in found if each.is_optional and each.kind is not Kind.DEV)
    implicit = {name: (f"dep:{name}",) for name in optional if name not in hidden}
    return Declared({**implicit, **features}, found)


def tables(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield all dependencies of a package, each with the name of its table, its name, and its value."""
    for table in (document, *document.get("target", {}).values()):
        for kind in _TABLES:
            yield from ((kind, name, value) for name, value in table.get(kind, {}).items())


def is_inherited(value: Any) -> bool:
    """Whether a value in a manifest is that of the workspace."""
    return isinstance(value, dict) and value.get("workspace") is True


def _dependency(kind: Kind, name: str, value: dict[str, Any], inherited: Mapping[str, Any]) -> Dependency:
    shared = inherited.get(name, {}) if is_inherited(value) else {}
    both = (shared if isinstance(shared, dict) else {}, value)
    features = [str(feature) for each in both for feature in each.get("features", ())]
    if all(each.get("default-features", each.get("default_features", True)) for each in both):
        features.append(DEFAULT)
    package = next((each["package"] for each in both if "package" in each), name)
    return Dependency(name, str(package), kind, bool(value.get("optional")), tuple(features))
