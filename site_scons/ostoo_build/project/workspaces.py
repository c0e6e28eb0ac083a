"""Finds the Cargo workspaces of a repository, and the targets of their programs.

`ostoo.toml` names them. Where it names none, `user-rs` is one, whose targets `target=` names, and so is each folder at
the top whose `.cargo/config.toml` sets `build.target` to a target spec in `targets/`, for example a kernel.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ostoo_build.base import layout, toml_tables
from ostoo_build.base.errors import OstooError
from ostoo_build.base.toml_file import load as load_toml
from ostoo_build.project import description

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.project.description import Description, WorkspaceTable

USER = "user-rs"
"""The folder of the workspace that a repository has by default."""

_ALL = ("*",)


class ProgramGroup(Struct, frozen=True):
    """Programs of one workspace that are built for the same targets.

    `packages` and `excluded` are patterns of package names. `is_asked` says that `target=` names the targets, `deploys`
    that `deploy` copies programs that nobody names. `runtime` is the package that new programs depend on, "" for none,
    None if that is not said. `std_options` are cargo's options for std, which override its configuration. `where` is
    what names the group, for messages.
    """

    folder: str
    targets: tuple[str, ...]
    is_asked: bool
    packages: tuple[str, ...] = _ALL
    excluded: tuple[str, ...] = ()
    runtime: str | None = None
    deploys: bool = True
    std_options: tuple[str, ...] = ()
    where: str = ""

    def takes(self, package: str) -> bool:
        """Whether a package is of this group, unless a former group has it."""
        return _matches(package, self.packages) and not _matches(package, self.excluded)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def find(root: Path, described: Description, asked: tuple[str, ...]) -> tuple[ProgramGroup, ...]:
    """Return the groups of programs; `asked` are the targets of `target=`.

    Raises `OstooError` for a folder without `Cargo.toml`, and for invalid TOML.
    """
    if not described.workspaces:
        return (
            ProgramGroup(USER, asked, is_asked=True),
            *_others(root, {USER, layout.BUILD, described.sysroot_folder}),
        )
    tables = enumerate(described.workspaces)
    return tuple(group for index, table in tables for group in _named(root, index, table, asked))


def _named(root: Path, index: int, table: WorkspaceTable, asked: tuple[str, ...]) -> Iterator[ProgramGroup]:
    where = f"{root / description.FILE}: workspaces[{index}]"
    folders = _folders(root, table.folder)
    if not folders:
        raise OstooError(
            f"there is no Cargo.toml in {table.folder}", where=where, remedy="correct `folder`, or remove the table"
        )
    for folder in folders:
        yield ProgramGroup(
            folder=folder,
            targets=table.targets or asked,
            is_asked=not table.targets,
            packages=table.packages,
            excluded=table.exclude,
            runtime=table.runtime,
            deploys=table.deploy,
            std_options=table.std_options,
            where=where,
        )


def _folders(root: Path, pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern] if (root / pattern / "Cargo.toml").is_file() else []
    found = sorted(path.parent for path in root.glob(f"{pattern}/Cargo.toml"))
    return [folder.relative_to(root).as_posix() for folder in found]


def _others(root: Path, left_out: set[str]) -> Iterator[ProgramGroup]:
    known = {os.path.realpath(root / USER)}
    shown = (each for each in root.iterdir() if each.name not in left_out and not each.name.startswith("."))
    for folder in sorted(shown, key=lambda each: (each.is_symlink(), each)):
        manifest, configuration = folder / "Cargo.toml", folder / ".cargo/config.toml"
        if not manifest.is_file():
            continue
        if os.path.realpath(folder) in known:
            continue  # one workspace, by two names
        known.add(os.path.realpath(folder))
        if configuration.is_file() and "workspace" in load_toml(manifest):
            specs = configured_targets(load_toml(configuration), folder)
            if specs and all(spec.parent == root / layout.TARGETS and spec.is_file() for spec in specs):
                yield ProgramGroup(folder.name, tuple(spec.stem for spec in specs), is_asked=False, deploys=False)


def configured_targets(configuration: dict[str, Any], folder: Path) -> list[Path]:
    """Return the target specs that `build.target` names; cargo resolves them from the folder that has `.cargo`."""
    where = f"{folder}/.cargo/config.toml"
    named = toml_tables.table(configuration, "build", where=where).get("target", [])
    listed = [named] if isinstance(named, str) else named
    if not isinstance(listed, list):
        return []
    specs = (name for name in listed if isinstance(name, str) and name.endswith(".json"))
    return [Path(os.path.realpath(folder / name)) for name in specs]
