"""Reads the parts of a Cargo.toml that cargo's unit graph omits. Cargo resolves the dependencies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import toml_file, toml_tables
from ostoo_build.base.errors import OstooError
from ostoo_build.planning import declared
from ostoo_build.rust import package_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.planning.declared import Declared
    from ostoo_build.rust.package_targets import Target


class Manifest(Struct, frozen=True):
    """The metadata of one package, with everything that it inherits from its workspace.

    `targets` are the kinds and names of cargo's targets. `lints` are rustc flags in order of ascending priority.
    `hides_dependencies` says that rustc needs to know which dependencies are not part of the library's interface.
    """

    path: Path
    name: str
    version: str
    metadata: tuple[tuple[str, str], ...]
    links: str
    declared: Declared
    lints: tuple[str, ...]
    targets: tuple[Target, ...]
    hides_dependencies: bool
    extra_inputs: tuple[str, ...]
    without_harness: tuple[tuple[str, str], ...]
    """Targets whose tests have a `main` of their own, by kind and name."""

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return all features, including the implicit ones of optional dependencies, in order."""
        return tuple(sorted(self.declared.features))

    @property
    def has_library(self) -> bool:
        """Whether the package has a library; if so, native libraries that its build script names are linked to that."""
        return any(kind not in package_targets.OTHERS for kind, _ in self.targets)


_ENVIRONMENT = {
    "CARGO_PKG_AUTHORS": "authors",
    "CARGO_PKG_DESCRIPTION": "description",
    "CARGO_PKG_HOMEPAGE": "homepage",
    "CARGO_PKG_LICENSE": "license",
    "CARGO_PKG_LICENSE_FILE": "license-file",
    "CARGO_PKG_README": "readme",
    "CARGO_PKG_REPOSITORY": "repository",
    "CARGO_PKG_RUST_VERSION": "rust-version",
}
"""Variables that cargo derives from `[package]` (its reference, "Environment variables Cargo sets for crates")."""

_READMES = ("README.md", "README.txt", "README")


def read(path: Path) -> Manifest:
    """Read the manifest of a package. Raises `OstooError` if it is not a valid manifest."""
    document = toml_file.load(path)
    package = document.get("package")
    if not isinstance(package, dict) or "name" not in package:
        raise OstooError("the manifest names no package", where=str(path), remedy="add `[package]` with a `name`")
    _refuse_unknown(document, path)
    workspace = _workspace_of(path, document) if _inherits(document) else _Workspace(path.parent)
    fields = _inherit(package, workspace.fields, path.parent, workspace.folder)
    version = str(fields.get("version", "0.0.0"))
    return Manifest(
        path=path,
        name=str(package["name"]),
        version=version,
        metadata=(
            ("CARGO_PKG_NAME", str(package["name"])),
            *_version_variables(version),
            *((variable, _text(fields, key)) for variable, key in _ENVIRONMENT.items()),
        ),
        links=str(fields.get("links", "")),
        declared=declared.of(document, workspace.dependencies),
        lints=_lint_flags(_lints(document, workspace.lints)),
        targets=package_targets.of_package(document, fields, path.parent),
        hides_dependencies="public-dependency" in document.get("cargo-features", ()),
        extra_inputs=_declared_inputs(package, path),
        without_harness=tuple(_without_harness(document, str(package["name"]))),
    )


def name_in(path: Path) -> Any:
    """Return the package name in a manifest, or None if the manifest has no `[package]` with a name."""
    package = toml_file.load(path).get("package")
    return package.get("name") if isinstance(package, dict) else None


def _declared_inputs(package: dict[str, Any], path: Path) -> tuple[str, ...]:
    """Return the `inputs` in `package.metadata.ostoo`. Cargo validates nothing below `metadata`."""
    metadata = package.get("metadata", {})
    if not isinstance(metadata, dict):
        return ()
    where = f"{path}: package.metadata.ostoo"
    return tuple(toml_tables.texts(toml_tables.table(metadata, "ostoo", where=where), "inputs", where))


def _inherits(document: dict[str, Any]) -> bool:
    dependencies = (value for _, _, value in declared.tables(document))
    return any(map(declared.is_inherited, (*document["package"].values(), document.get("lints"), *dependencies)))


class _Workspace(Struct, frozen=True):
    """What members can inherit, and the folder of the workspace."""

    folder: Path
    fields: dict[str, Any] = {}
    lints: dict[str, Any] = {}
    dependencies: dict[str, Any] = {}


def _workspace_of(path: Path, document: dict[str, Any]) -> _Workspace:
    """Return the workspace that a package names, or the nearest one above that does not exclude it."""
    named = document["package"].get("workspace")
    folders = [path.parent, *path.parent.parents]
    if isinstance(named, str):
        folders = [Path(os.path.normpath(path.parent / named))]
    for folder in folders:
        candidate = folder / "Cargo.toml"
        if candidate.is_file():
            workspace = toml_file.load(candidate).get("workspace")
            if isinstance(workspace, dict) and not _is_excluded(path.parent, folder, workspace):
                return _Workspace(folder, *(workspace.get(key, {}) for key in ("package", "lints", "dependencies")))
    raise OstooError("the manifest inherits from a workspace, but no parent folder contains one", where=str(path))


def _is_excluded(package: Path, folder: Path, workspace: dict[str, Any]) -> bool:
    def is_in(key: str) -> bool:
        return any(package.is_relative_to(folder / name) for name in workspace.get(key, ()) if isinstance(name, str))

    return is_in("exclude") and not is_in("members")


_FILES = ("readme", "license-file")
"""Fields that are inherited as paths relative to the workspace."""


def _inherit(package: dict[str, Any], workspace: dict[str, Any], folder: Path, root: Path) -> dict[str, Any]:
    fields = {key: workspace.get(key) if declared.is_inherited(value) else value for key, value in package.items()}
    fields["readme"] = _readme(fields.get("readme"), root if declared.is_inherited(package.get("readme")) else folder)
    for key in _FILES:
        if declared.is_inherited(package.get(key)) and fields[key] and root != folder:
            fields[key] = f"{os.path.relpath(root, folder)}/{fields[key]}"
    return fields


def _readme(value: Any, folder: Path) -> str:
    """Return the path of the readme by cargo's rules. `true` means README.md, no value the first name that exists."""
    if value is None:
        return next((name for name in _READMES if (folder / name).is_file()), "")
    if isinstance(value, bool):
        return "README.md" if value else ""
    return str(value)


def _version_variables(version: str) -> list[tuple[str, str]]:
    core, _, pre = version.partition("+")[0].partition("-")
    major, minor, patch = [*core.split("."), "", ""][:3]
    return [
        ("CARGO_PKG_VERSION", version),
        ("CARGO_PKG_VERSION_MAJOR", major),
        ("CARGO_PKG_VERSION_MINOR", minor),
        ("CARGO_PKG_VERSION_PATCH", patch),
        ("CARGO_PKG_VERSION_PRE", pre),
    ]


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key, "")
    return ":".join(value) if key == "authors" else str(value)


def _refuse_unknown(document: dict[str, Any], path: Path) -> None:
    """Raise `OstooError` for features of manifests that this build does not support."""
    package = document["package"]
    scripts = package.get("build")
    if isinstance(scripts, list):
        raise OstooError(
            f"the package {package['name']} has {len(scripts)} build scripts",
            where=str(path),
            remedy="this build supports one for each package, without brackets: let one call the others",
        )
    artifacts = [
        name for _, name, value in declared.tables(document) if isinstance(value, dict) and "artifact" in value
    ]
    renamed = [f"[[bin]] {each.get('name')}" for each in document.get("bin", ()) if "filename" in each]
    found = [f"{name} as an artifact" for name in artifacts] + [f"a file name for {name}" for name in renamed]
    if "metabuild" in package:
        found.append("metabuild")
    if found:
        raise OstooError(
            f"the package {package['name']} uses {found[0]}, which this build does not support",
            where=str(path),
            remedy="remove it: an artifact can be declared as an input, at build/TARGET/PROFILE/PROGRAM",
        )


def _without_harness(document: dict[str, Any], package: str) -> Iterator[tuple[str, str]]:
    """Return the kinds and names of targets with `harness = false` (cargo's reference, "Cargo Targets")."""
    tables = [
        ("lib", document.get("lib", {})),
        *((kind, each) for kind in ("bin", "test") for each in document.get(kind, ())),
    ]
    for kind, table in tables:
        if table.get("harness") is False:
            yield kind, str(table.get("name", package.replace("-", "_")))


def _lints(document: dict[str, Any], inherited: dict[str, Any]) -> dict[str, Any]:
    lints = document.get("lints", {})
    return dict(inherited if declared.is_inherited(lints) else lints)


def _lint_flags(lints: dict[str, Any]) -> tuple[str, ...]:
    """Convert `[lints]` to flags in cargo's order: by priority, then by name in reverse, regardless of the tool."""
    found: list[tuple[int, str, str]] = []
    checks: list[str] = []
    for tool, table in lints.items():
        for name, value in table.items() if tool != "cargo" else ():
            settings = value if isinstance(value, dict) else {"level": value}
            prefix = "" if tool == "rust" else f"{tool}::"
            found.append((settings.get("priority", 0), name, f"--{settings['level']}={prefix}{name}"))
            if prefix + name == "unexpected_cfgs":
                checks += [part for cfg in settings.get("check-cfg", []) for part in ("--check-cfg", cfg)]
    found.sort(key=lambda entry: entry[2])
    found.sort(key=lambda entry: entry[1], reverse=True)
    found.sort(key=lambda entry: entry[0])
    return (*(flag for *_, flag in found), *checks)
