"""Implements `ostoo new`: creates a package with a program in the style of its workspace."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from msgspec import Struct
from tomlkit.exceptions import NonExistentKey, TOMLKitError

from ostoo_build.adoption import style
from ostoo_build.adoption.style import Style
from ostoo_build.base import own_files, process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.source_files import write_atomically
from ostoo_build.base.toml_file import load as load_toml
from ostoo_build.invocation.request import WORDS
from ostoo_build.planning import manifest, package_places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.base.console import Console
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.cargo import Cargo
    from ostoo_build.project.workspaces import ProgramGroup

_DEFAULT_RUNTIME = "ostoo-rt"
"""The runtime, if `ostoo.toml` names none and the workspace has it."""

_CARGO_OUTPUT = "target"


class Request(Struct, frozen=True):
    """The name of a new program, whether it uses all of std, and the folder from which it was asked for."""

    name: str
    std: bool
    start: Path


def create(opened: Callable[[], Planner], console: Console, request: Request) -> None:
    """Write a package with a program, make it a member of its workspace, and plan it to prove that it can be built.

    `opened` makes a new planner. The workspace is that in which the request was made, else the first one whose programs
    are deployed. Raises `OstooError`, and changes nothing, if the name is taken or invalid, or the plan can't be made.
    """
    planner, name = opened(), request.name
    group = _group(planner, request.start)
    cargo = planner.programs.workspace(group, group.targets[0]).cargo
    _refuse_unfit(cargo, name)
    root = cargo.workspace / "Cargo.toml"
    style = _style(planner, group, root)
    place = _place(style, cargo.workspace) / name
    _refuse_taken(planner, cargo.workspace, place)
    text = _with_member(root, place.relative_to(cargo.workspace).as_posix())
    before = {path: path.read_bytes() for path in (root, root.with_name("Cargo.lock")) if path.is_file()}
    try:
        _write_crate(place, style.manifest(name, place, std=request.std), style.source(name, std=request.std))
        try:
            write_atomically(root, text.encode())
            for target in group.targets:
                opened().plan(name, target)
        except BaseException:
            shutil.rmtree(place)
            for path in (root, root.with_name("Cargo.lock")):
                _restore(path, before.get(path))
            raise
    except OSError as error:
        raise OstooError(f"can't create {name}: {error.strerror}", where=str(error.filename or root)) from error
    console.status("Created", f"{(place / 'src/main.rs').relative_to(planner.root)}")
    console.status("Next", f"{own_files.build_words(planner.root)} {name}")


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif path.read_bytes() != content:
        path.write_bytes(content)


def _group(planner: Planner, start: Path) -> ProgramGroup:
    groups = planner.targets.groups
    here = [group for group in groups if group.folder != "." and start.is_relative_to(planner.root / group.folder)]
    return [*here, *(group for group in groups if group.deploys), *groups][0]


def _style(planner: Planner, group: ProgramGroup, root: Path) -> Style:
    binaries = [each for each in planner.programs.binaries.values() if planner.programs.group_of(each.name) == group]
    manifests = dict.fromkeys(each.manifest for each in binaries)
    samples = [style.sample(manifest, manifest.parent / "src/main.rs") for manifest in manifests]
    members = {manifest.read(path).name: path for path in _members(root.parent)}
    name = _DEFAULT_RUNTIME if group.runtime is None else group.runtime
    if group.runtime and name not in members:
        raise OstooError(f"there is no package {name}", where=group.where, remedy="correct `runtime`")
    found = style.runtime(name, members[name]) if name in members else None
    return Style(load_toml(root), samples, found)


def _place(found: Style, workspace: Path) -> Path:
    """Return the folder that has most of the packages with programs, if it is in the workspace."""
    folders = Counter(sample.folder.parent for sample in found.samples if sample.folder != workspace)
    return max(folders, key=lambda folder: (folders[folder], str(folder)), default=workspace)


def _refuse_taken(planner: Planner, workspace: Path, place: Path) -> None:
    name = place.name
    places = {binary.name: binary.manifest for binary in planner.programs.binaries.values()}
    places |= {manifest.read(path).name: path for path in _members(workspace)}
    if name in places:
        raise OstooError(f"{name} already exists", where=str(places[name]), remedy="choose another name")
    if name in (*WORDS, _CARGO_OUTPUT):
        raise OstooError(
            f"{name} is reserved: it is a build target or a folder of cargo's", remedy="choose another name"
        )
    if place.exists():
        raise OstooError(f"the folder {name} already exists", where=str(place), remedy="choose another name")


def _members(workspace: Path) -> Iterator[Path]:
    places = package_places.of_members(workspace / "Cargo.toml")
    return (path for path in places if path.name == "Cargo.toml" and path.is_file())


def _refuse_unfit(cargo: Cargo, name: str) -> None:
    """Have cargo create a crate of that name elsewhere. A name that cargo only warns about is refused too."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [str(cargo.program), "new", "--vcs=none", "--color=never", f"--name={name}", "crate"]
        completed = process.run(command, cwd=Path(scratch), env=cargo.environment)
    for line in completed.stderr.decode("utf-8", "replace").splitlines():
        level, _, said = line.partition(": ")
        if level in ("error", "warning"):
            raise OstooError(said, remedy="choose another name")


def _with_member(root: Path, folder: str) -> str:
    """Return the workspace's manifest with another member, by its path from there."""
    try:
        document: Any = tomlkit.parse(root.read_text(encoding="utf-8"))
        members = document["workspace"]["members"]
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        remedy = "add the program by hand" if isinstance(error, NonExistentKey) else ""
        raise OstooError(f"can't add a member to the workspace: {error}", where=str(root), remedy=remedy) from error
    if not any(fnmatch(folder, pattern) for pattern in members):
        if "\n" in members.as_string():
            members.add_line(folder, indent="    ")
        else:
            members.append(folder)
    return tomlkit.dumps(document)


def _write_crate(folder: Path, manifest_text: str, source: str) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        crate = Path(scratch, folder.name)
        (crate / "src").mkdir(parents=True)
        (crate / "Cargo.toml").write_text(manifest_text, encoding="utf-8")
        (crate / "src/main.rs").write_text(source, encoding="utf-8")
        crate.rename(folder)
