"""Parses cargo's unit graph into frozen records.

The format is that of `cargo build --unit-graph -Z unstable-options`, version 1 (cargo reference, "Unstable features").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import manifest

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT_VERSION = 1

CHECK = "check"
"""Cargo's mode of a unit that is compiled to metadata only."""

LINT = "clippy"
"""The mode of a unit that clippy compiles to metadata; cargo calls it a check with a wrapper."""

DOCUMENT = "doc"
"""Cargo's mode of a unit that rustdoc documents."""

BY_PATH = "path+file://"
"""The prefix of the ids of packages that were not downloaded."""


class Profile(Struct, frozen=True):
    """The resolved profile of one unit, with cargo's names. `strip` is `none`, `debuginfo` or `symbols`.

    `trim_paths` is the value that build scripts see, empty if it is not set.
    """

    name: str
    opt_level: str
    lto: str
    codegen_units: int | None
    debuginfo: str
    debug_assertions: bool
    overflow_checks: bool
    panic: str
    strip: str
    incremental: bool
    rustflags: tuple[str, ...]
    hint_mostly_unused: bool = False
    trim_paths: str = ""


class Dependency(Struct, frozen=True):
    """An edge to the unit at `index` of the same graph, and the name by which the crate uses it."""

    index: int
    extern_crate_name: str
    public: bool
    noprelude: bool
    nounused: bool


class Unit(Struct, frozen=True):
    """One crate with its features, profile and platform. `platform` is None for the host."""

    pkg_id: str
    kind: str
    crate_types: tuple[str, ...]
    target_name: str
    src_path: Path
    edition: str
    profile: Profile
    platform: str | None
    mode: str
    features: tuple[str, ...]
    is_std: bool
    dependencies: tuple[Dependency, ...]

    @property
    def crate_name(self) -> str:
        return self.target_name.replace("-", "_")

    @property
    def is_local(self) -> bool:
        """Whether the package was not downloaded, wherever it is: cargo caps the lints of downloaded packages only."""
        return self.pkg_id.startswith(BY_PATH) and not self.is_std

    @property
    def is_of_library(self) -> bool:
        """Whether the unit compiles its package's library, possibly with tests."""
        return self.kind not in ("bin", "test", "bench", "example", "custom-build")

    @property
    def is_run(self) -> bool:
        """Whether the unit is the run of a build script, not a compilation."""
        return self.mode == "run-custom-build"

    @property
    def is_checked(self) -> bool:
        """Whether the unit is compiled to metadata only."""
        return self.mode in (CHECK, LINT)

    @property
    def is_documented(self) -> bool:
        """Whether the unit is documented, not compiled."""
        return self.mode == DOCUMENT

    @property
    def is_test(self) -> bool:
        """Whether the unit is compiled to a test executable."""
        return self.mode == "test"


class UnitGraph(Struct, frozen=True):
    """A program, which is the last unit, and all units that it needs. Dependencies precede the units that need them."""

    units: tuple[Unit, ...]

    @property
    def name(self) -> str:
        return self.units[-1].target_name


def parse(text: str, std_source: Callable[[Path], Path] = lambda source: source) -> list[UnitGraph]:
    """Parse cargo's JSON into one graph for each root. `std_source` returns where a source of std is to be read.

    Raises `OstooError` for another version of the format.
    """
    document = json.loads(text)
    if document.get("version") != FORMAT_VERSION:
        raise OstooError(
            f"cargo's unit graph has version {document.get('version')}, this build reads version {FORMAT_VERSION}",
            remedy="use the toolchain that rust-toolchain.toml names",
        )
    units = [_unit(unit, std_source) for unit in document["units"]]
    return [below(units, root) for root in document["roots"]]


def below(units: list[Unit], root: int) -> UnitGraph:
    """Return the graph of one root, with new indices."""
    order: dict[int, int] = {}

    def visit(index: int) -> None:
        if index not in order:
            for dependency in units[index].dependencies:
                visit(dependency.index)
            order[index] = len(order)

    visit(root)
    return UnitGraph(tuple(_renumbered(units[index], order) for index in order))


def _renumbered(unit: Unit, order: dict[int, int]) -> Unit:
    return replace(unit, dependencies=tuple(replace(each, index=order[each.index]) for each in unit.dependencies))


def _unit(raw: dict[str, Any], std_source: Callable[[Path], Path]) -> Unit:
    target, is_std = raw["target"], bool(raw.get("is_std"))
    source = Path(target["src_path"] or ".")  # none where cargo writes the source itself
    return Unit(
        pkg_id=raw["pkg_id"],
        kind=target["kind"][0],
        crate_types=tuple(target["crate_types"]),
        target_name=target["name"],
        src_path=std_source(source) if is_std else source,
        edition=target["edition"],
        profile=_profile(raw["profile"]),
        platform=raw["platform"],
        mode=raw["mode"],
        features=tuple(raw["features"]),
        is_std=is_std,
        dependencies=tuple(_dependency(dependency) for dependency in raw["dependencies"]),
    )


_HONOURED = frozenset({*Profile.__struct_fields__, "codegen_backend"})
_WITHOUT_EFFECT = frozenset({"rpath", "split_debuginfo"})
"""Keys that have no effect; the manual lists them."""

_OUR_BACKEND = "llvm"


def _profile(raw: dict[str, Any]) -> Profile:
    """Parse a profile. Raises `OstooError` for a key that this build would otherwise ignore."""
    lost = [name for name, value in raw.items() if value and name not in _HONOURED | _WITHOUT_EFFECT]
    if raw.get("codegen_backend", _OUR_BACKEND) not in (None, _OUR_BACKEND):
        lost.append("codegen_backend")
    if lost:
        key = lost[0].replace("_", "-")
        raise OstooError(f"the profile {raw['name']} sets {key}, which this build does not support", remedy="remove it")
    return Profile(
        name=raw["name"],
        opt_level=raw["opt_level"],
        lto=raw["lto"],
        codegen_units=raw["codegen_units"],
        debuginfo=str(raw["debuginfo"]),
        debug_assertions=raw["debug_assertions"],
        overflow_checks=raw["overflow_checks"],
        panic=raw["panic"],
        strip=_strip(raw["strip"]),
        incremental=raw["incremental"],
        rustflags=tuple(raw.get("rustflags", ())),
        hint_mostly_unused=bool(raw.get("hint_mostly_unused")),
        trim_paths=_trim_paths(raw["trim_paths"]) if "trim_paths" in raw else "",
    )


def _trim_paths(raw: Any) -> str:
    """Return the value as cargo spells it; in JSON it is null for `all`, else a list."""
    return "all" if raw is None else ",".join(raw) or "none"


def _strip(raw: Any) -> str:
    """Unwrap `{"resolved": {"Named": "symbols"}}`, `{"resolved": "None"}` or `{"deferred": "None"}`."""
    value = next(iter(raw.values())) if isinstance(raw, dict) else raw
    named = value.get("Named") if isinstance(value, dict) else None
    return str(named or "none")


def _dependency(raw: dict[str, Any]) -> Dependency:
    return Dependency(
        index=raw["index"],
        extern_crate_name=raw["extern_crate_name"],
        public=bool(raw.get("public")),
        noprelude=bool(raw.get("noprelude")),
        nounused=bool(raw.get("nounused")),
    )


def manifest_path(unit: Unit) -> Path:
    """Return the manifest of a unit's package.

    A package id names the folder, as sources may be outside of it. The id of a downloaded package has no path; there
    the manifest is above the source.
    """
    source, _, package = unit.pkg_id.partition("#")
    if source.startswith(BY_PATH):
        return Path(unquote(source.removeprefix(BY_PATH).partition("?")[0], errors="surrogateescape"), "Cargo.toml")
    name = package.partition("@")[0] if "@" in package else source.partition("?")[0].rpartition("/")[2]
    for folder in unit.src_path.parents:
        candidate = folder / "Cargo.toml"
        if candidate.is_file() and manifest.name_in(candidate) == name:
            return candidate
    raise OstooError(f"found no manifest of {name} above its source", where=str(unit.src_path))
