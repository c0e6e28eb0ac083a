"""Implements `./ostoo new`: creates a crate and adds it to the workspace."""

from __future__ import annotations

import shutil
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from msgspec import Struct
from tomlkit.exceptions import TOMLKitError

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError
from ostoo_build.base.source_files import write_atomically
from ostoo_build.invocation.request import WORDS
from ostoo_build.planning import manifest, package_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.base.console import Console
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.cargo import Cargo
    from ostoo_build.planning.workspace import Workspace


class Template(Struct, frozen=True):
    """The template of a new program; `runtime` are the keys of its dependency on ostoo-rt."""

    runtime: str
    main: str


NO_STD = Template(
    runtime='workspace = true, features = ["no_std"]',
    main="""\
//! {name}.

#![no_std]
#![no_main]
#![cfg_attr(test, feature(custom_test_frameworks))]
#![cfg_attr(test, test_runner(ostoo_rt::test_runner))]
#![cfg_attr(test, reexport_test_harness_main = "test_main")]

use ostoo_rt::println;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {{
    println!("Hello from {name}!");
    0
}}

#[cfg(test)]
mod tests {{
    #[export_name = "main"]
    fn run() -> i32 {{
        crate::test_main();
        0
    }}

    #[test_case]
    fn it_works() {{
        assert_eq!(2 + 2, 4);
    }}
}}
""",
)

STD = Template(
    runtime="workspace = true",
    main="""\
//! {name}.

#![feature(restricted_std)]
#![cfg_attr(not(test), no_main)]

extern crate ostoo_rt;

#[cfg_attr(not(test), no_mangle)]
fn main() -> i32 {{
    println!("Hello from {name}!");
    0
}}

#[cfg(test)]
mod tests {{
    #[test]
    fn it_works() {{
        assert_eq!(2 + 2, 4);
    }}
}}
""",
)

_CARGO_OUTPUT = "target"

_MANIFEST = """\
[package]
name = "{name}"
version = "0.1.0"
edition.workspace = true
license.workspace = true

[dependencies]
ostoo-rt = {{ {runtime} }}

[lints]
workspace = true
"""


def create(planner: Planner, console: Console, name: str, kind: Template) -> None:
    """Write the crate `user-rs/NAME` and make it a member of the workspace.

    Raises `OstooError`, and changes nothing, if the name is taken or invalid.
    """
    cargo = _user_workspace(planner).cargo
    _refuse_unfit(cargo, name)
    _refuse_taken(planner, name)
    root = cargo.workspace / "Cargo.toml"
    text = _with_member(root, name)
    try:
        _write_crate(cargo.workspace / name, name, kind)
        try:
            write_atomically(root, text.encode())
        except BaseException:
            shutil.rmtree(cargo.workspace / name)
            raise
    except OSError as error:
        raise OstooError(f"can't create {name}: {error.strerror}", where=str(error.filename or root)) from error
    console.status("Created", f"{(cargo.workspace / name / 'src/main.rs').relative_to(planner.root)}")
    console.status("Next", f"./sconsw {name}")


def _user_workspace(planner: Planner) -> Workspace:
    group = planner.targets.groups[0]
    return planner.programs.workspace(group.folder, group.targets[0])


def _refuse_taken(planner: Planner, name: str) -> None:
    workspace = _user_workspace(planner).cargo.workspace
    places = {binary.name: binary.manifest for binary in planner.programs.binaries.values()}
    places |= {manifest.read(path).name: path for path in _members(workspace)}
    if name in places:
        raise OstooError(f"{name} already exists", where=str(places[name]), remedy="choose another name")
    if name in (*WORDS, _CARGO_OUTPUT):
        raise OstooError(
            f"{name} is reserved: it is a build target or a folder of cargo's", remedy="choose another name"
        )
    if (workspace / name).exists():
        raise OstooError(f"the folder {name} already exists", where=str(workspace / name), remedy="choose another name")


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


def _with_member(root: Path, name: str) -> str:
    try:
        document: Any = tomlkit.parse(root.read_text(encoding="utf-8"))
        members = document["workspace"]["members"]
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise OstooError(f"can't add a member to the workspace: {error}", where=str(root)) from error
    if not any(fnmatch(name, pattern) for pattern in members):
        if "\n" in members.as_string():
            members.add_line(name, indent="    ")
        else:
            members.append(name)
    return tomlkit.dumps(document)


def _write_crate(folder: Path, name: str, kind: Template) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}.") as scratch:
        crate = Path(scratch, name)
        (crate / "src").mkdir(parents=True)
        (crate / "Cargo.toml").write_text(_MANIFEST.format(name=name, runtime=kind.runtime), encoding="utf-8")
        (crate / "src/main.rs").write_text(kind.main.format(name=name), encoding="utf-8")
        crate.rename(folder)
