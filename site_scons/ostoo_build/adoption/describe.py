"""Describes a surveyed repository: the text of its `ostoo.toml`, and what was found in words."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import tomlkit
from msgspec import Struct

from ostoo_build.base import json_positions, layout, own_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ostoo_build.adoption.survey import FoundWorkspace, Survey

_ABOUT = "Describes this repository to ostoo-build: `ostoo build PROGRAM`. Each key has a default; see its manual."
_NO_SYSTEM = ("none", None)
_OWN_SYSROOTS = f"{layout.BUILD}/sysroot"


class Adopted(Struct, frozen=True):
    """A workspace with the target that its programs are built for."""

    workspace: FoundWorkspace
    target: str
    is_kernel: bool

    @property
    def excluded(self) -> list[str]:
        """Packages that need an operating system, which a kernel's target has not: tools for this machine."""
        tools = (each.name for each in self.workspace.packages if each.programs and not each.is_bare)
        return [*tools] if self.is_kernel else []

    @property
    def programs(self) -> list[str]:
        packages = (each for each in self.workspace.packages if each.name not in self.excluded)
        return [name for each in packages for name in each.programs]


class Choice(Struct, frozen=True):
    """The workspaces to build, and the folders of the others with the reasons for leaving them out."""

    adopted: tuple[Adopted, ...]
    left_out: dict[str, str]


def choose(root: Path, found: Survey) -> Choice:
    """Decide which target each workspace is built for: the one that its cargo configuration names, or the only one."""
    adopted, left_out = [], dict(found.refused)
    systems = {target: _system(root / path) for target, path in found.specs.items()}
    for workspace in found.workspaces:
        if not workspace.programs:
            continue
        near = [path for path in found.specs.values() if posixpath.dirname(path) == workspace.folder]
        specs = workspace.specs or (near if len(near) == 1 else [*found.specs.values()])
        if not workspace.build_std:
            left_out[workspace.folder] = "it is for this machine: no cargo configuration has [unstable] build-std"
        elif not specs:
            left_out[workspace.folder] = "there is no target spec"
        elif len(specs) > 1:
            left_out[workspace.folder] = f"it could be for {' or '.join(specs)}: add [[workspaces]] with its target"
        else:
            target = posixpath.basename(specs[0]).removesuffix(".json")
            each = Adopted(workspace, target, is_kernel=systems[target] in _NO_SYSTEM)
            adopted.append(each)
            left_out |= dict.fromkeys(each.excluded, f"a tool for this machine: {target} has no operating system")
    return Choice(tuple(adopted), left_out)


def text(found: Survey, chosen: Choice) -> str:
    """Return the text of `ostoo.toml`."""
    document = tomlkit.document()
    document.add(tomlkit.comment(_ABOUT))
    document.add("version", tomlkit.item(".".join(own_version.number().split(".")[:2])))
    document.add("sysroot-folder", tomlkit.item(_OWN_SYSROOTS))
    tables = tomlkit.aot()
    for each in chosen.adopted:
        tables.append(_table(each))
    document.add("workspaces", tables)
    targets = tomlkit.table(is_super_table=True)
    for target in dict.fromkeys(each.target for each in chosen.adopted):
        targets.add(target, _target(target, found))
    document.add("targets", targets)
    return tomlkit.dumps(document)


def _table(adopted: Adopted) -> tomlkit.items.Table:
    table = tomlkit.table()
    table.add("folder", adopted.workspace.folder)
    table.add("target", adopted.target)
    if adopted.excluded:
        table.add("exclude", adopted.excluded)
    if adopted.is_kernel:
        table.add("deploy", value=False)
    elif adopted.workspace.runtime:
        table.add("runtime", adopted.workspace.runtime)
    return table


def _target(target: str, found: Survey) -> tomlkit.items.Table:
    table = tomlkit.table()
    table.add("spec", found.specs[target])
    own = [path for path in found.libraries if posixpath.basename(path) == target]
    if len(own) == 1:
        table.add("sysroot", f"folder:{own[0]}")
    return table


def words(chosen: Choice) -> Iterator[tuple[str, str]]:
    """Yield a verb and a subject for each workspace."""
    for each in chosen.adopted:
        runtime = f", runtime {each.workspace.runtime}" if each.workspace.runtime else ""
        programs = ", ".join(each.programs)
        yield "Found", f"workspace {each.workspace.folder} for {each.target}: {programs}{runtime}"
    for folder, why in chosen.left_out.items():
        yield "Skipped", f"{folder}: {why}"


def _system(spec: Path) -> str | None:
    document: Mapping[str, object] = json_positions.read(spec).value
    system = document.get("os")
    return system if isinstance(system, str) else None
