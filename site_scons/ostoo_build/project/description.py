"""Reads `ostoo.toml`, which describes a repository. Each key has a default, so an empty file describes one too."""

from __future__ import annotations

import os
import posixpath
import re
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Struct, field

from ostoo_build.base import layout, toml_entries, toml_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.spelling import one_of
from ostoo_build.project import required_version
from ostoo_build.project.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = layout.DESCRIPTION


class WorkspaceTable(Struct, frozen=True, rename="kebab"):
    """A table `[[workspaces]]`: a folder with a Cargo workspace or a package, or a pattern for several such folders.

    Without `target` the variable `target=` applies. `packages` are patterns of names; the first table that takes a
    package has it. `runtime` is the package that `ostoo new` lets programs depend on. `deploy` says whether `scons
    deploy` copies programs that nobody names. `build-std` and `build-std-features` override cargo's configuration.
    """

    folder: str
    target: str | tuple[str, ...] = ()
    packages: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    runtime: str | None = None
    deploy: bool = True
    build_std: tuple[str, ...] = ()
    build_std_features: tuple[str, ...] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def std_options(self) -> tuple[str, ...]:
        """Cargo's options for the crates and features of std."""
        crates, features = self.build_std, self.build_std_features
        chosen = (f"-Zbuild-std={','.join(crates)}",) if crates else ()
        return chosen if features is None else (*chosen, f"-Zbuild-std-features={','.join(features)}")


class TargetTable(Struct, frozen=True, rename="kebab"):
    """A table `[targets.NAME]`: the files about a target, each with a default beside the spec, and its C library.

    `crt` is `musl` if programs start with the start files of the sysroot. `sysroot` is as in `sysroot=`.
    """

    spec: str = ""
    contract: str = ""
    policy: str = ""
    crt: str = ""
    sysroot: str = ""


class ProgramTable(Struct, frozen=True, rename="kebab"):
    """A table `[programs.NAME]`: features as for `cargo build --features`."""

    features: tuple[str, ...] = ()
    default_features: bool = True


class ImageTable(Struct, frozen=True, rename="kebab"):
    """A table `[boot.images.NAME]`: the command that makes the image for `kernel=NAME`, run at the top.

    In its words `@{image}` is the file to write, and `@{PROGRAM}` one of the `programs`, which are built before.
    `inputs` are the files, folders and patterns that it reads besides.
    """

    command: tuple[str, ...]
    programs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


class BootTable(Struct, frozen=True, rename="kebab"):
    """The table `[boot]`: the folders of descriptions `NAME.boot.json`, and of the files that a guest gets."""

    descriptions: str = layout.TARGETS
    share: str = ""
    images: dict[str, ImageTable] = field(default_factory=dict)


class Description(Struct, frozen=True, rename="kebab"):
    """The content of `ostoo.toml`; `variables` are its strings at the top. Paths are relative to its folder."""

    version: str = ""
    sysroot_folder: str = layout.SYSROOTS
    workspaces: tuple[WorkspaceTable, ...] = ()
    targets: dict[str, TargetTable] = field(default_factory=dict)
    programs: dict[str, ProgramTable] = field(default_factory=dict)
    boot: BootTable = field(default_factory=BootTable)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def sysroots(self) -> dict[str, str]:
        """The sources of the targets' own sysroots, as in `sysroot=`."""
        return {name: table.sysroot for name, table in self.targets.items() if table.sysroot}


_NAMED: dict[str, Any] = {"targets": TargetTable, "programs": ProgramTable, "boot.images": ImageTable}
"""The tables of tables with names of the repository's own."""

_TABLES = (WorkspaceTable, TargetTable, ProgramTable, BootTable, ImageTable)


def read(root: Path) -> Description:
    """Read a repository's description; without a file everything has its default.

    Raises `OstooError` if another version of this build is required, and with the key for an unknown key or a value
    that is not valid.
    """
    path = root / FILE
    document = toml_file.load(path) if os.path.lexists(path) else {}
    if required_version.KEY in document:
        required_version.check(document[required_version.KEY], str(path))
    variables = {name: value for name, value in document.items() if name in VARIABLES}
    for name, value in variables.items():
        if not isinstance(value, str):
            raise OstooError(f"{name} is not a string", where=_line(path, name), remedy=f'write {name} = "…"')
    tables = {name: value for name, value in document.items() if name not in VARIABLES}
    _refuse_unknown(Description, tables, "", path)
    try:
        found = msgspec.convert({**tables, "variables": variables}, Description)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), tables, path) from error
    _refuse_values(found, path)
    return found


class Written(NamedTuple):
    """A value as it is written in the file, and its line."""

    value: Any
    line: int


def written(root: Path) -> dict[toml_entries.Key, Written]:
    """Return each value in a repository's description, which `read` has read, by its key."""
    path = root / FILE
    if not path.is_file():
        return {}
    lines = toml_file.lines(path)
    return {key: Written(value, lines[key]) for key, value in toml_entries.leaves(toml_file.load(path))}


def _refuse_unknown(kind: Any, value: Any, pointer: str, path: Path) -> None:
    """Refuse keys that no field of a struct, or of the structs in it, has. Values are judged elsewhere."""
    if not isinstance(value, dict):
        return
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    fields.pop("variables", None)
    known = [*fields, *(() if pointer else VARIABLES)]
    for name, each in value.items():
        here = f"{pointer}{name}"
        if name not in fields:
            what = f"unknown key {here}" if pointer else f"unknown key or variable {name}"
            raise OstooError(what, where=_line(path, here), remedy=one_of(name, known))
        _refuse_unknown_below(fields[name], each, here, path)


def _refuse_unknown_below(kind: Any, value: Any, pointer: str, path: Path) -> None:
    if kind in _TABLES:
        _refuse_unknown(kind, value, f"{pointer}.", path)
    elif get_origin(kind) is dict and isinstance(value, dict):
        for name, each in value.items():
            _refuse_unknown_below(get_args(kind)[1], each, f"{pointer}.{name}", path)
    elif get_origin(kind) is tuple and isinstance(value, list):
        for index, each in enumerate(value):
            _refuse_unknown_below(get_args(kind)[0], each, f"{pointer}[{index}]", path)


_WORDS = {"object": "table", "str": "string", "int": "integer", "bool": "boolean"}
"""TOML's words for msgspec's."""

_EXPECTED = lazy_pattern(r"Expected `(.+?)`, got `(.+?)`")
_MISSING = lazy_pattern(r"Object missing required field (`.+`)")


def _invalid(said: str, tables: dict[str, Any], path: Path) -> OstooError:
    """Return the error for a value of the wrong type: msgspec's words end in `- at `$.KEY``."""
    what, _, at = said.partition(" - at ")
    key = _named(at.strip("`").removeprefix("$").removeprefix("."), tables)
    if expected := _EXPECTED.match(what):
        kinds, got = ([_article(kind) for kind in kinds.split(" | ")] for kinds in expected.groups())
        what = f"expected {' or '.join(kinds)}, got {got[0]}"
    elif missing := _MISSING.match(what):
        what = f"the key {missing[1]} is missing"
    return OstooError(f"{key}: {what}" if key else what, where=_line(path, key))


def _named(key: str, tables: dict[str, Any]) -> str:
    """Put the name into a key: msgspec does not say which of a repository's targets, programs or images it means."""
    above, is_left_out, below = key.partition("[...]")
    if not is_left_out or above not in _NAMED:
        return key
    named: dict[str, Any] = reduce(getitem, above.split("."), tables)
    return next(f"{above}.{name}{below}" for name, value in named.items() if not _is_valid(value, _NAMED[above]))


def _is_valid(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _line(path: Path, key: str) -> str:
    """Return the place of a key such as `workspaces[0].folder`, or of the table in which it is missing."""
    known = toml_file.lines(path)
    names = re.split(r"\.|\[(\d+)\]\.?", key)
    found = (known.get(tuple(filter(None, names[:end]))) for end in range(len(names), 0, -1))
    line = next(filter(None, found), None)
    return f"{path}:{line}" if line else str(path)


def _article(kind: str) -> str:
    word = _WORDS.get(kind, kind)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _refuse_values(found: Description, path: Path) -> None:
    """Refuse paths that are not portable, and words without a meaning."""
    for key, place in _places(found):
        if posixpath.normpath(place) != place or place.startswith(("/", "..")):
            raise OstooError(
                f"{key} is not a path in this repository: {place!r}",
                where=_line(path, key),
                remedy="write its path from the folder of ostoo.toml on, such as a/b",
            )
    for name, table in found.targets.items():
        if table.crt not in ("", "musl"):
            key = f"targets.{name}.crt"
            raise OstooError(f"{key} is neither empty nor musl", where=_line(path, key), remedy='write crt = "musl"')


def _places(found: Description) -> Iterator[tuple[str, str]]:
    yield "sysroot-folder", found.sysroot_folder
    yield "boot.descriptions", found.boot.descriptions
    yield from ((f"workspaces[{index}].folder", each.folder) for index, each in enumerate(found.workspaces))
    named = {"boot.share": found.boot.share}
    for name, table in found.targets.items():
        named |= {f"targets.{name}.{key}": getattr(table, key) for key in ("spec", "contract", "policy")}
    yield from ((key, place) for key, place in named.items() if place)
