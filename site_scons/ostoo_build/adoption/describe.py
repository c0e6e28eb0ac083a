"""Describes a surveyed repository: the text of its `ostoo.toml`, and what was found in words."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import tomlkit
from msgspec import Struct

from ostoo_build.base import json_positions, layout, own_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ostoo_build.adoption.scripts import StdOptions
    from ostoo_build.adoption.survey import FoundWorkspace, Survey

_ABOUT = "Describes this repository to ostoo-build: `ostoo build PROGRAM`. Each key has a default; see its manual."
_MANY = 3
"""From this number on, workspaces side by side are described by a pattern."""

_OWN_SYSROOTS = f"{layout.BUILD}/sysroot"


class Adopted(Struct, frozen=True):
    """A workspace with the target that its programs are built for, and what its spec says of that.

    `std` are the options for std that no cargo configuration has.
    """

    workspace: FoundWorkspace
    std: StdOptions | None
    target: str
    has_system: bool
    is_kernel: bool

    @property
    def excluded(self) -> list[str]:
        """Packages that need an operating system, which the target has not: tools for this machine."""
        tools = (each.name for each in self.workspace.packages if each.programs and not each.is_bare)
        return [] if self.has_system else [*tools]

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
    for workspace in found.workspaces:
        if not workspace.programs:
            continue
        near = [path for path in found.specs.values() if posixpath.dirname(path) == workspace.folder]
        specs = workspace.specs or (near if len(near) == 1 else [*found.specs.values()])
        scripted = () if workspace.build_std or not workspace.is_bare else found.scripted
        if workspace.known and not scripted:
            left_out[workspace.folder] = f"its cargo configuration builds it for {workspace.known}, a target of rustc's"
        elif not workspace.build_std and len(scripted) != 1:
            left_out[workspace.folder] = _why_no_std(scripted)
        elif not specs:
            left_out[workspace.folder] = "there is no target spec"
        elif len(specs) > 1:
            left_out[workspace.folder] = f"it could be for {' or '.join(specs)}: add [[workspaces]] with its target"
        else:
            target = posixpath.basename(specs[0]).removesuffix(".json")
            each = _adopted(workspace, next(iter(scripted), None), target, root / specs[0])
            adopted += [each] if each.programs else []
            left_out |= dict.fromkeys(each.excluded, f"a tool for this machine: {target} has no operating system")
    return Choice(tuple(adopted), left_out)


def _why_no_std(scripted: Sequence[StdOptions]) -> str:
    if scripted:
        return "the scripts here build std in several ways: add [[workspaces]] with its build-std"
    return "it is for this machine: neither a cargo configuration nor a script here has build-std"


def _adopted(workspace: FoundWorkspace, std: StdOptions | None, target: str, spec: Path) -> Adopted:
    document: Mapping[str, object] = json_positions.read(spec).value
    has_system = document.get("os", "none") != "none"
    # an interrupt handler overwrites the red zone of the code that it interrupts
    return Adopted(workspace, std, target, has_system, not has_system and document.get("disable-redzone") is True)


def text(found: Survey, chosen: Choice) -> str:
    """Return the text of `ostoo.toml`."""
    document = tomlkit.document()
    document.add(tomlkit.comment(_ABOUT))
    document.add("version", tomlkit.item(".".join(own_version.number().split(".")[:2])))
    document.add("sysroot-folder", tomlkit.item(_OWN_SYSROOTS))
    tables = tomlkit.aot()
    for table in _tables(chosen.adopted):
        tables.append(table)
    document.add("workspaces", tables)
    targets = tomlkit.table(is_super_table=True)
    for target in dict.fromkeys(each.target for each in chosen.adopted):
        targets.add(target, _target(target, found))
    document.add("targets", targets)
    return tomlkit.dumps(document)


def _tables(adopted: Sequence[Adopted]) -> Iterator[tomlkit.items.Table]:
    """Yield a table for each workspace; one for all in a folder if they differ in nothing else."""
    alike: dict[str, list[tuple[str, str]]] = {}
    for each in adopted:
        alike.setdefault(_table(each, "").as_string(), []).append(posixpath.split(each.workspace.folder))
    written = set()
    for each in adopted:
        above, _name = posixpath.split(each.workspace.folder)
        siblings = [one for one in alike[_table(each, "").as_string()] if one[0] == above]
        all_here = [one for one in adopted if posixpath.dirname(one.workspace.folder) == above]
        folder = f"{above}/*" if above and len(siblings) == len(all_here) >= _MANY else each.workspace.folder
        if folder not in written:
            written.add(folder)
            yield _table(each, folder)


def _table(adopted: Adopted, folder: str) -> tomlkit.items.Table:
    table = tomlkit.table()
    table.add("folder", folder)
    table.add("target", adopted.target)
    if adopted.std:
        table.add("build-std", list(adopted.std.crates))
        if adopted.std.features:
            table.add("build-std-features", list(adopted.std.features))
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
