"""Whatever a program is made from is an input, by the name that it is read by: each edit of it is seen, each time."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest
from trees import copy_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

PACKAGE = "user-rs/hello-rs"
MAIN = f"{PACKAGE}/src/main.rs"

NAMED = (
    ".motd",
    "target/x",
    "nested/data",
    ".folder",
    "../beside.txt",
    "../.hidden/deep",
    "linked",
    "turned/data",
    "list",
)
"""What a build script reads, relative to its package."""

SCRIPT = """
use std::{fs, path::Path};

fn read(path: &Path) -> String {
    if path.is_dir() {
        let mut inside: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        inside.sort();
        let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().replace(".txt", "");
        let listed = path.ends_with("list");
        if listed && inside.is_empty() { return "there".into(); }
        return inside.iter().map(|path| if listed { name(path) } else { String::new() } + &read(path)).collect();
    }
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn main() {
    let mut all = String::new();
    for name in [NAMES] {
        println!("cargo::rerun-if-changed={name}");
        all += &format!("{name}={};", read(Path::new(name)));
    }
    println!("cargo::rustc-env=ALL={all}");
}
"""


def edit_first_line(tree: Tree, printed: str) -> None:
    tree.replace(MAIN, "    0\n", f"    println!({printed});\n    0\n")


def said(tree: Tree) -> str:
    tree.build("hello-rs")
    return tree.run("hello-rs")[1].splitlines()[-1]


def seen_with_nothing_in_memory(tree: Tree, name: str) -> str:
    """What another checkout of the same sources says, which has the same cache."""
    root = tree.root.with_name(name)
    try:
        return said(copy_sources(tree, root))
    finally:
        shutil.rmtree(root)


def turn(link: Path, goal: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(goal)


def edits(tree: Tree) -> Iterator[tuple[Callable[[], object], str, str]]:
    """An edit, what the script reads by it, and what it finds there then."""
    folder = tree.root / PACKAGE
    for name in NAMED[:3]:
        yield partial(tree.write, f"{PACKAGE}/{name}", "second"), name, "second"
    yield lambda: tree.write(f"{PACKAGE}/.folder/one", "second"), ".folder", "second"
    yield lambda: tree.write(f"{PACKAGE}/.folder/two", "!"), ".folder", "second!"
    yield lambda: tree.write("user-rs/beside.txt", "second"), "../beside.txt", "second"
    yield lambda: tree.write("user-rs/.hidden/deep", "second"), "../.hidden/deep", "second"
    yield lambda: turn(folder / "linked", "b.txt"), "linked", "b"
    yield lambda: turn(folder / "turned", "two"), "turned/data", "of two"
    yield (folder / "list").mkdir, "list", "there"
    yield (folder / "list/empty").mkdir, "list", "empty"
    yield lambda: tree.write(f"{PACKAGE}/list/.hidden", "!"), "list", ".hidden!empty"
    yield (folder / "list/empty").rmdir, "list", ".hidden!"
    yield lambda: tree.write(f"{PACKAGE}/list/file.txt", "?"), "list", ".hidden!file?"
    yield (folder / "list/.hidden").unlink, "list", "file?"
    yield lambda: tree.write(f"{PACKAGE}/list/.later", "!"), "list", ".later!file?"
    yield (folder / ".motd").unlink, ".motd", ""
    yield lambda: tree.write(f"{PACKAGE}/.motd", "third"), ".motd", "third"


@pytest.mark.long
def test_whatever_a_build_script_names_is_an_input(tree: Tree) -> None:
    tree.write(f"{PACKAGE}/nested/Cargo.toml", '[package]\nname = "nested"\n')
    for name in (".motd", "target/x", "nested/data", ".folder/one", "../beside.txt", "../.hidden/deep"):
        tree.write(f"{PACKAGE}/{name}", "first")
    for name, text in (("a.txt", "a"), ("b.txt", "b"), ("one/data", "of one"), ("two/data", "of two")):
        tree.write(f"{PACKAGE}/{name}", text)
    turn(tree.root / PACKAGE / "linked", "a.txt")
    turn(tree.root / PACKAGE / "turned", "one")
    tree.write(f"{PACKAGE}/build.rs", SCRIPT.replace("NAMES", ", ".join(f'"{name}"' for name in NAMED)))
    edit_first_line(tree, '"{}", env!("ALL")')
    expected = dict.fromkeys(NAMED, "first") | {"linked": "a", "turned/data": "of one", "list": ""}
    assert said(tree) == "".join(f"{name}={text};" for name, text in expected.items())
    assert tree.build("hello-rs").steps == []
    for number, (edit, name, found) in enumerate(edits(tree)):
        edit()
        expected[name] = found
        whole = "".join(f"{name}={text};" for name, text in expected.items())
        assert said(tree) == whole, name
        assert tree.build("hello-rs").steps == [], name
        if number % 3 == 0:
            assert seen_with_nothing_in_memory(tree, f"clone{number}") == whole, name


@pytest.mark.parametrize("name", ["../.hidden.txt", "../target/x.txt", "../link.txt", "../folder/x.txt"])
def test_whatever_a_crate_includes_of_its_package_is_an_input(name: str, tree: Tree) -> None:
    """The names are seen from `src`."""
    edit_first_line(tree, f'"{{}}", include_str!("{name}").trim()')
    folder = tree.root / PACKAGE
    for text in ("one", "two"):
        tree.write(f"{PACKAGE}/{text}/x.txt", text)
    if name in ("../link.txt", "../folder/x.txt"):
        place = folder / name.split("/")[1]
        change = [partial(turn, place, f"{text}/x.txt" if place.suffix else text) for text in ("one", "two")]
    else:
        change = [partial(tree.write, f"{PACKAGE}/src/{name}", text) for text in ("one", "two")]
    for edit, expected in zip((*change, *change), ("one", "two", "one", "two"), strict=True):
        edit()
        assert said(tree) == expected
        assert tree.build("hello-rs").steps == []
    assert seen_with_nothing_in_memory(tree, "clone") == "two"


def test_a_new_file_that_a_declared_pattern_matches_is_an_input(tree: Tree) -> None:
    """Also in a hidden folder at the top, and where a build with nothing to do was proved to have nothing to do."""
    tree.write(
        f"{PACKAGE}/build.rs",
        """fn main() {
            let count = std::fs::read_dir("../../.data").unwrap().count();
            println!("cargo::rustc-env=COUNT={count}");
        }""",
    )
    manifest = tree.root / PACKAGE / "Cargo.toml"
    manifest.write_text(f'{manifest.read_text()}\n[package.metadata.ostoo]\ninputs = ["../../.data/*.txt"]\n')
    edit_first_line(tree, '"{}", env!("COUNT")')
    for number in range(1, 4):
        tree.write(f".data/{number}.txt", "text")
        assert said(tree) == str(number)
        for _ in range(2):
            assert tree.build("hello-rs").steps == []


def test_where_a_link_leads_is_an_input_of_scripts_whatever_is_there(tree: Tree) -> None:
    """What they lead to is the same, byte for byte."""
    folder = tree.root / PACKAGE
    names = ("told", "untold", "../outside")
    for goal in ("one", "two"):
        for place in (folder, folder.parent):
            (place / goal).mkdir()
            (place / goal / "file").write_text("same")
    for name in names:
        turn(folder / name, "one")
    reads = "".join(f'std::fs::read_link("{name}").unwrap().display().to_string() + " " + &' for name in names)
    tells = "".join(f'println!("cargo::rerun-if-changed={name}");' for name in ("told", "../outside", "build.rs"))
    source = f'fn main() {{ let all = {reads}String::new(); println!("cargo::rustc-env=ALL={{all}}"); {tells} }}'
    tree.write(f"{PACKAGE}/build.rs", source)
    edit_first_line(tree, '"{}", env!("ALL")')
    expected = dict.fromkeys(names, "one")
    for turned in ("", *names, *names):
        if turned:
            expected[turned] = "two" if expected[turned] == "one" else "one"
            turn(folder / turned, expected[turned])
        assert said(tree).split() == list(expected.values()), turned
        assert tree.build("hello-rs").steps == []
    assert seen_with_nothing_in_memory(tree, "clone").split() == list(expected.values())
