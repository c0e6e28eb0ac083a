"""Looks at what a repository has: Cargo workspaces with their targets, target specs, runtime crates, a C library."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.adoption import scripts
from ostoo_build.base import layout, process, target_folder, toml_file, toml_tables
from ostoo_build.base.errors import OstooError
from ostoo_build.project.workspaces import configured_targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.adoption.scripts import StdOptions

_MANIFEST = "Cargo.toml"
_CONFIG = Path(".cargo/config.toml")
_VENDORED = ".cargo-checksum.json"
_SPEC_KEYS = frozenset({"llvm-target", "data-layout"})
_LARGEST_SPEC = 1 << 16
"""In bytes; a larger JSON file is no target spec."""

_ENTRY, _NO_MAIN = "_start", "no_main"


class Package(Struct, frozen=True):
    """A member of a workspace: its folder from the repository's top, and the names of its programs.

    `is_runtime` says that it is a library that defines the entry point of programs, `is_bare` that its programs have no
    ordinary `main`. `needs` are the packages that it depends on by their paths.
    """

    name: str
    folder: str
    programs: tuple[str, ...]
    is_runtime: bool
    is_bare: bool
    needs: tuple[str, ...]


class FoundWorkspace(Struct, frozen=True):
    """A Cargo workspace, or a package without one; `specs` are what its cargo configuration builds for.

    `known` is a target of rustc's own that the configuration names instead, else empty. `build_std` says that the
    configuration names crates of std to build.
    """

    folder: str
    packages: tuple[Package, ...]
    specs: tuple[str, ...]
    known: str
    build_std: bool

    @property
    def programs(self) -> tuple[str, ...]:
        return tuple(name for package in self.packages for name in package.programs)

    @property
    def is_bare(self) -> bool:
        """Whether a program has no ordinary `main`, so that it is not for this machine."""
        return any(package.is_bare for package in self.packages if package.programs)

    @property
    def runtime(self) -> str:
        """The library that defines programs' entry point, if the programs have one."""
        needed = {name for package in self.packages if package.programs for name in package.needs}
        return next((package.name for package in self.packages if package.is_runtime and package.name in needed), "")


class Survey(Struct, frozen=True):
    """What was found, as portable paths: `specs` by their targets, `libraries` are folders with `lib/libc.a`.

    `scripted` are options for std in the repository's scripts, `refused` are the folders of manifests that cargo does
    not accept, with its words.
    """

    workspaces: tuple[FoundWorkspace, ...]
    specs: dict[str, str]
    libraries: tuple[str, ...]
    scripted: tuple[StdOptions, ...]
    refused: dict[str, str]


def look(root: Path, cargo: Path, environ: Mapping[str, str]) -> Survey:
    """Look at a repository with a cargo. Raises `OstooError` for files that can't be read."""
    places = sorted(_folders(root), key=lambda place: (len(place.parts), place))
    specs = {spec.stem: spec.relative_to(root).as_posix() for place in places for spec in _specs(place)}
    claimed: set[Path] = set()
    workspaces, refused = [], {}
    for place in places:
        if place / _MANIFEST in claimed or not (place / _MANIFEST).is_file():
            continue
        try:
            found = _workspace(root, place, cargo, environ)
        except OstooError as error:
            refused[place.relative_to(root).as_posix()] = error.what
            continue
        claimed |= {root / package.folder / _MANIFEST for package in found.packages}
        workspaces += [found] if found.specs else _by_member(root, found)
    libraries = (place.parent for place in places if place.name == "lib" and (place / "libc.a").is_file())
    found_libraries = tuple(place.relative_to(root).as_posix() for place in libraries)
    return Survey(tuple(workspaces), specs, found_libraries, scripts.std_options(places), refused)


def _folders(root: Path) -> Iterator[Path]:
    """Yield all folders that people edit: neither hidden nor written by builds, and no vendored crates."""
    for name, folders, files in os.walk(root):
        place = Path(name)
        if _VENDORED in files:
            folders.clear()
            continue
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".")
            and not (place == root and each == layout.BUILD)
            and not target_folder.is_target(f"{name}/{each}")
        ]
        yield place


def _specs(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.glob("*.json")):
        if "." not in file.stem and file.is_file() and file.stat().st_size <= _LARGEST_SPEC:
            try:
                document = json.loads(file.read_bytes())
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(document, dict) and document.keys() >= _SPEC_KEYS:
                yield file


def _workspace(root: Path, folder: Path, cargo: Path, environ: Mapping[str, str]) -> FoundWorkspace:
    command = [str(cargo), "metadata", "--no-deps", "--format-version=1", "--color=never"]
    completed = process.run(command, cwd=folder, env=environ)
    if completed.returncode:
        said = completed.stderr.decode("utf-8", "replace").strip()
        raise OstooError(said.removeprefix("error: ").partition("\n")[0], where=str(folder / _MANIFEST))
    document = json.loads(completed.stdout)
    top = Path(document["workspace_root"])
    if not top.is_relative_to(root):
        raise OstooError(f"its workspace is outside of this repository: {top}", where=str(folder / _MANIFEST))
    return _configured(root, top.relative_to(root).as_posix(), [_package(root, each) for each in document["packages"]])


def _by_member(root: Path, found: FoundWorkspace) -> list[FoundWorkspace]:
    """Return the members as workspaces of their own, if people run cargo in their folders: they have configurations."""
    members = [_configured(root, each.folder, [each]) for each in found.packages if each.programs]
    return members if any(each.specs for each in members) else [found]


def _package(root: Path, document: Mapping[str, Any]) -> Package:
    folder = Path(document["manifest_path"]).parent
    binaries = {target["name"]: Path(target["src_path"]) for target in document["targets"] if "bin" in target["kind"]}
    needs = tuple(each["name"] for each in document["dependencies"] if each.get("path"))
    is_runtime = not binaries and any(_ENTRY in _text(file) for file in sorted(folder.rglob("*.rs")))
    place = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)
    return Package(
        name=document["name"],
        folder=place,
        programs=tuple(binaries),
        is_runtime=is_runtime,
        is_bare=all(_NO_MAIN in _text(file) for file in binaries.values()),
        needs=needs,
    )


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _configured(root: Path, folder: str, packages: Sequence[Package]) -> FoundWorkspace:
    """Return packages with what the configurations say that cargo reads in a folder: the nearest target counts."""
    specs: list[Path] = []
    known = ""
    build_std = False
    top = root / folder
    for place in (top, *top.parents):
        file = place / _CONFIG
        if place.is_relative_to(root) and file.is_file():
            document = toml_file.load(file)
            if not specs and not known:
                named = configured_targets(document, place)
                specs = [spec for spec in named if spec.is_file() and spec.is_relative_to(root)]
                target = toml_tables.table(document, "build", where=str(file)).get("target", "")
                known = target if isinstance(target, str) and not named else ""
            build_std = build_std or "build-std" in toml_tables.table(document, "unstable", where=str(file))
    return FoundWorkspace(
        folder, tuple(packages), tuple(spec.relative_to(root).as_posix() for spec in specs), known, build_std
    )
