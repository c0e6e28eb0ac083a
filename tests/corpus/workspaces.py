"""Small workspaces, each with one thing that cargo has a word for: written into a checkout that builds all of them.

Their crates need nothing of std's, so that no profile or flag has core compiled again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TARGET = "x86_64-corpus"

NO_CORE = "#![feature(no_core)]\n#![allow(internal_features)]\n#![no_core]\n"
MAIN = """#![feature(no_core, lang_items)]
#![allow(internal_features)]
#![no_core]
#![no_main]
"""
START = """
#[lang = "pointee_sized"] trait PointeeSized {}
#[lang = "meta_sized"] trait MetaSized: PointeeSized {}
#[lang = "sized"] trait Sized: MetaSized {}
#[unsafe(no_mangle)]
pub extern "C" fn _start() {}
"""
TELLS = """use std::{io::Write, os::unix::ffi::OsStrExt};
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    let mut told = std::fs::File::create(out.clone() + "/env").unwrap();
    for (name, value) in std::env::vars_os() {
        told.write_all(&[name.as_bytes(), b"=", value.as_bytes(), b"\\0"].concat()).unwrap();
    }
    SAYS
}
"""
"""A build script that leaves its environment in `OUT_DIR`."""

MACRO = """extern crate proc_macro;
#[proc_macro]
pub fn none(_: proc_macro::TokenStream) -> proc_macro::TokenStream { Default::default() }
"""


@dataclass(frozen=True)
class Package:
    """A package in a folder of its workspace: `manifest` is what follows name, version and edition.

    `before` is what precedes them all.
    """

    folder: str
    manifest: str
    files: Mapping[str, str]
    edition: str = "2021"
    before: str = ""

    @property
    def name(self) -> str:
        return self.folder.rpartition("/")[2]

    def written(self) -> dict[str, str]:
        edition = f'edition = "{self.edition}"\n' if self.edition else ""
        head = f'{self.before}[package]\nname = "{self.name}"\nversion = "0.1.0"\n{edition}'
        manifest = {f"{self.folder}/Cargo.toml": f"{head}{self.manifest}\n"}
        return manifest | {f"{self.folder}/{name}": text for name, text in self.files.items()}


@dataclass(frozen=True)
class Workspace:
    """A workspace in the folder `name` of a checkout.

    `row` is that of the manual's table which it stands for. `files` lie in its folder or, with `..`, beside it;
    `{root}` in them is the checkout. `repositories` are folders that git keeps.
    `programs` are built with `profile`; they are named with the words by which cargo is asked for the same. If it is
    `refused`, that is what the message says.
    """

    name: str
    row: str
    files: Mapping[str, str | bytes]
    programs: Mapping[str, str]
    profile: str = "release"
    refused: str = ""
    repositories: tuple[str, ...] = ()


def workspace(
    name: str,
    row: str,
    *packages: Package,
    root: str = "",
    config: str = "",
    build: str = "",
    unstable: str = "",
    profile: str = "release",
    programs: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes] | None = None,
    repositories: tuple[str, ...] = (),
    target: str = TARGET,
    refused: str = "",
) -> Workspace:
    """Describe a workspace of packages, the first of which is a program called like it.

    `root` is added to its Cargo.toml, `config`, `build` and `unstable` to its configuration and those tables of it.
    """
    members = ", ".join(f'"{package.folder}"' for package in packages if not package.folder.startswith(".."))
    settings = f'[build]\ntarget = "../targets/{target}.json"\n{build}[unstable]\njson-target-spec = true\n{unstable}'
    found: dict[str, str | bytes] = {
        "Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = [{members}]\n{root}',
        ".cargo/config.toml": f"{settings}\n{config}\n",
    }
    for package in packages:
        found |= package.written()
    return Workspace(
        name,
        row,
        found | dict(files or {}),
        programs or {name: f"--package {name} --bin {name}"},
        profile,
        refused,
        repositories,
    )


def program(
    folder: str, manifest: str = "", *, uses: str = "", edition: str = "2021", text: str = "", **files: str
) -> Package:
    """Describe a package with a program: `uses` are the crates that it names, `text` is added to its source."""
    source = f"{main(uses)}{text}"
    return Package(folder, manifest, {"src/main.rs": source, **_places(files)}, edition)


def library(
    folder: str, manifest: str = "", *, text: str = "", edition: str = "2021", before: str = "", **files: str
) -> Package:
    """Describe a package with a library."""
    return Package(folder, manifest, {"src/lib.rs": f"{NO_CORE}{text}", **_places(files)}, edition, before)


def for_host(folder: str, manifest: str = "", *, text: str = "", **files: str) -> Package:
    """Describe a package with a library that runs on this machine."""
    return Package(folder, manifest, {"src/lib.rs": text, **_places(files)})


def proc_macro(folder: str, manifest: str = "", **files: str) -> Package:
    """Describe a package with a proc macro."""
    return for_host(folder, f"[lib]\nproc-macro = true\n{manifest}", text=MACRO, **files)


def main(uses: str = "") -> str:
    """Write a program's source, which names some crates."""
    return MAIN + "".join(f"extern crate {name} as _;\n" for name in uses.split()) + START


def script(*instructions: str, more: str = "") -> str:
    """Write a build script that leaves its environment and prints instructions; `{out}` in them is its `OUT_DIR`."""
    return TELLS.replace("SAYS", "".join(f'println!("cargo::{each}");' for each in instructions) + more)


def paths(*names: str) -> str:
    """Name dependencies on packages beside this one."""
    return "".join(f'{name} = {{ path = "../{name}" }}\n' for name in names)


def needs(*names: str, kind: str = "dependencies") -> str:
    """Write a table of dependencies on packages beside this one."""
    return f"[{kind}]\n{paths(*names)}"


def depends(kind: str = "dependencies", **said: str) -> str:
    """Write a table of dependencies on packages beside this one, with what is said of each besides its path."""
    of_each = {name.replace("_", "-"): words for name, words in said.items()}
    lines = "".join(f'{name} = {{ path = "../{name}", {words} }}\n' for name, words in of_each.items())
    return f"[{kind}]\n{lines}"


def bins(package: str, *names: str, words: str = "") -> dict[str, str]:
    """Map programs of a package to cargo's words for each of them."""
    return {name: f"--package {package} --bin {name} {words}" for name in names}


def write(workspace: Workspace, root: Path) -> None:
    """Write a workspace into a checkout, in place of what its folder holds."""
    folder = root / workspace.name
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in workspace.files.items():
        path = Path(os.path.normpath(folder / name))
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes) else content.replace("{root}", str(root)).encode()
        path.write_bytes(text)
    for name in workspace.repositories:
        own = ("-c", "user.name=u", "-c", "user.email=u@example.org", "-c", "commit.gpgsign=false")
        for words in (["init", "--quiet"], ["add", "."], [*own, "commit", "--quiet", "-m", "m"], ["tag", "t"]):
            subprocess.run(["git", *words], cwd=folder / name, check=True)


def _places(files: Mapping[str, str]) -> dict[str, str]:
    return {{"build": "build.rs", "lib": "src/lib.rs"}.get(name, name): text for name, text in files.items()}
