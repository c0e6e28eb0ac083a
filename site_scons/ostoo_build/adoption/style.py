"""Writes a new package in the style of a workspace: the keys that its members have, its runtime, or none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import tomlkit
from msgspec import Struct

from ostoo_build.adoption import templates
from ostoo_build.base import toml_file, toml_tables
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_INHERITED = ("edition", "license", "authors", "repository", "rust-version", "publish")
_EDITION = "2021"
_NO_STD = "no_std"
_DEFINED = lazy_pattern(
    r"(?ms)^((?:#\[[^\]]+\]\s*)+)?(?:pub )?((?:unsafe )?(?:extern \"C\" )?fn (\w+)\([^)]*\)[^{;]*)\{"
)
_DECLARED = lazy_pattern(r"\bfn (\w+)\([^)]*\)[^{;]*;")


class Sample(Struct, frozen=True):
    """A package of the workspace with a program: its folder, its manifest, the text of its main source file."""

    folder: Path
    manifest: Mapping[str, Any]
    source: str

    @property
    def is_bare(self) -> bool:
        return "#![no_std]" in self.source


class Runtime(Struct, frozen=True):
    """The runtime crate of a workspace: its package's name, its folder, and all of its source text."""

    name: str
    folder: Path
    manifest: Mapping[str, Any]
    source: str

    @property
    def crate(self) -> str:
        return self.name.replace("-", "_")


class Style(Struct, frozen=True):
    """What decides how a new package looks: the workspace's manifest, its members with programs, its runtime."""

    workspace: Mapping[str, Any]
    samples: Sequence[Sample]
    runtime: Runtime | None

    def manifest(self, name: str, folder: Path, *, std: bool) -> str:
        """Return the text of `Cargo.toml` of a package that will be in `folder`."""
        document = tomlkit.document()
        package = tomlkit.table()
        package.add("name", name)
        package.add("version", "0.1.0")
        inherited = toml_tables.table(self.workspace, "workspace", "package", where="Cargo.toml")
        for key in _INHERITED:
            if key in inherited and (key == "edition" or self._all_inherit(key)):
                package.add(tomlkit.key([key, "workspace"]), tomlkit.item(True))  # noqa: FBT003 - TOML's value
        if "edition" not in inherited:
            package.add("edition", self._edition)
        document.add("package", package)
        document.add("dependencies", self._dependencies(folder, std=std))
        if "lints" in toml_tables.table(self.workspace, "workspace", where="Cargo.toml"):
            lints = tomlkit.table()
            lints.add("workspace", tomlkit.item(True))  # noqa: FBT003 - likewise
            document.add("lints", lints)
        return tomlkit.dumps(document)

    def source(self, name: str, *, std: bool) -> str:
        """Return the text of `src/main.rs`."""
        if self.runtime is None:
            return (templates.STD if std else templates.BARE).format(name=name)
        if templates.TESTED in self.runtime.source:
            return (templates.STD_WITH_RUNTIME if std else templates.NO_STD_WITH_RUNTIME).format(
                name=name, runtime=self.runtime.crate
            )
        return self._like_another(name, self.runtime, std=std)

    def _like_another(self, name: str, runtime: Runtime, *, std: bool) -> str:
        """Return a program that defines `main`, or what else its runtime calls, as another of its kind does."""
        alike = [sample for sample in self.samples if sample.is_bare != std]
        called = {"main", *_DECLARED.findall(runtime.source)}
        defined = (match for sample in alike for match in _DEFINED.finditer(sample.source) if match[3] in called)
        entry = next(defined, None)
        attributes = entry[1] if entry and entry[1] else "#[no_mangle]\n"
        signature = (entry[2] if entry else 'extern "C" fn main() -> i32').strip()
        body = "loop {}" if signature.endswith("!") else "" if "->" not in signature else "0"
        inner = [line for sample in alike[:1] for line in sample.source.splitlines() if line.startswith("#![feature")]
        head = [*inner, *(() if std else ("#![no_std]",)), "#![no_main]", "", f"extern crate {runtime.crate};"]
        lines = [
            f"//! {name}.",
            "",
            *head,
            "",
            f"{attributes.rstrip()}",
            f"{signature} {{",
            *([f"    {body}"] if body else []),
            "}",
        ]
        return "\n".join(lines) + "\n"

    def _dependencies(self, folder: Path, *, std: bool) -> tomlkit.items.Table:
        table = tomlkit.table()
        if self.runtime is None:
            return table
        used = [sample for sample in self.samples if sample.is_bare != std]
        known = (toml_tables.table(sample.manifest, "dependencies", where="Cargo.toml") for sample in used)
        for sample, dependencies in zip(used, known, strict=True):
            if self.runtime.name in dependencies:
                found = dependencies[self.runtime.name]
                table.add(self.runtime.name, _inline(_moved(found, sample.folder, folder)))
                return table
        table.add(self.runtime.name, _inline(self._runtime_by_path(self.runtime, folder, std=std)))
        return table

    def _runtime_by_path(self, runtime: Runtime, folder: Path, *, std: bool) -> dict[str, Any]:
        shared = toml_tables.table(self.workspace, "workspace", "dependencies", where="Cargo.toml")
        has = _NO_STD in toml_tables.table(runtime.manifest, "features", where="Cargo.toml")
        if runtime.name in shared:
            return {"workspace": True, **({"features": [_NO_STD]} if has and not std else {})}
        place = os.path.relpath(runtime.folder, folder)
        return {"path": place, **({"default-features": False} if has and std else {})}

    def _all_inherit(self, key: str) -> bool:
        packages = (toml_tables.table(sample.manifest, "package", where="Cargo.toml") for sample in self.samples)
        return all(isinstance(each.get(key), dict) for each in packages)

    @property
    def _edition(self) -> str:
        found = (toml_tables.table(sample.manifest, "package", where="Cargo.toml") for sample in self.samples)
        named = [each["edition"] for each in found if isinstance(each.get("edition"), str)]
        return max(named, default=_EDITION)


def _moved(dependency: Any, before: Path, after: Path) -> Any:
    """Return a dependency with its path, if it has one, as seen from another folder."""
    if isinstance(dependency, dict) and "path" in dependency:
        return {**dependency, "path": os.path.relpath(before / dependency["path"], after)}
    return dependency


def _inline(dependency: Any) -> Any:
    if not isinstance(dependency, dict):
        return dependency
    # as cargo writes it, with a space inside of the braces
    pairs = (
        f"{tomlkit.key(name).as_string()} = {tomlkit.item(value).as_string()}" for name, value in dependency.items()
    )
    return tomlkit.value(f"{{ {', '.join(pairs)} }}")


def sample(manifest: Path, source: Path) -> Sample:
    """Read a package with a program. Raises `OstooError` for a manifest that is not valid."""
    text = source.read_text(encoding="utf-8", errors="replace") if source.is_file() else ""
    return Sample(manifest.parent, toml_file.load(manifest), text)


def runtime(name: str, manifest: Path) -> Runtime:
    """Read a runtime crate. Raises `OstooError` for a manifest that is not valid."""
    files = sorted(manifest.parent.rglob("*.rs"))
    text = "".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    return Runtime(name, manifest.parent, toml_file.load(manifest), text)
