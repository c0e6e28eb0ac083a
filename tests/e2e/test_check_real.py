"""`./ostoo check`: what the compiler says, beside what the real cargo's check says of the same crates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crates
import pytest
from trees import PROJECT

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from trees import Tree

pytestmark = pytest.mark.compiler

WORKSPACE = '[workspace]\nresolver = "2"\nmembers = ["shows", "part", "words"]\n[profile.release]\npanic = "abort"\n'
PART = """\
//! A library.
pub struct Part { unread: u8 }
impl Part { pub fn new() -> Self { let other = 1; Part { unread: 2 } } }
#[deprecated(note = "é, it is old")]
pub fn old() {}
"""
WORDS = """\
use proc_macro::TokenStream;
fn unused_of_words() {}
#[proc_macro]
pub fn three(_: TokenStream) -> TokenStream { "3_u16".parse().unwrap() }
"""
SHOWS = """\
use std::collections::HashMap;
#[cfg(told)]
fn main() { let _ = part::Part::new(); part::old(); let _: u16 = words::three!(); }
"""
SCRIPT = """\
fn main() {
    let unused_of_script = 1;
    println!("cargo::rustc-check-cfg=cfg(told)");
    println!("cargo::rustc-cfg=told");
    println!("cargo::rustc-env=SAID=by the script");
}
"""
MISTAKE = "fn wrong() -> u8 { let text: &str = 1; text.len() }\n"


def make(tree: Tree) -> None:
    crates.add(tree, "part", "", lib=PART)
    crates.add(tree, "words", "[lib]\nproc-macro = true\n", lib=WORDS)
    crates.add(tree, "shows", f"[dependencies]\n{crates.paths('part', 'words')}", main=SHOWS, build=SCRIPT)


def by_us(tree: Tree, verb: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", verb, "--message-format", "json", *words]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(
        [*command, f"cache={tree.cache}"], cwd=tree.root, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def by_cargo(workspace: Path, verb: str) -> list[dict[str, Any]]:
    """For this machine: the crates name nothing of a target, and cargo would compile std for ours once more."""
    found = toolchain.find(PROJECT, {}, os.environ)
    command = [str(found.cargo), verb, "--release", "-p", "shows", "--keep-going", "--message-format", "json"]
    environment = {**os.environ, **dict(found.env), "RUSTC": str(found.rustc)}
    done = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What was said of which crate."""
    return sorted(map(_said, (each for each in messages if each["reason"] == "compiler-message")))


def _said(each: dict[str, Any]) -> tuple[Any, ...]:
    about, target = each["message"], each["target"]
    spans = [span for span in about["spans"] if span["is_primary"]]
    places = [(_within(span["file_name"]), span["line_start"], span["column_start"]) for span in spans]
    code = about["code"]["code"] if about["code"] else ""
    ends = [(span["line_end"], span["column_end"], span["byte_end"], span["label"]) for span in about["spans"]]
    children = [(child["level"], child["message"]) for child in about["children"]]
    crate = each["package_id"].partition("#")[2], target["name"], tuple(target["kind"])
    text = about["rendered"].replace("user-rs/", "")
    return (*crate, about["level"], about["message"], code, places, text, repr((ends, children)))


def _within(name: str) -> str:
    return name.removeprefix("user-rs/")


def artifacts(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    kept = ("kind", "crate_types", "name", "edition")
    found = (each for each in messages if each["reason"] == "compiler-artifact")
    return sorted(
        (each["package_id"].partition("#")[2], *(str(each["target"][name]) for name in kept), str(each["profile"]))
        for each in found
    )


def test_a_check_says_what_cargos_check_says(tree: Tree, tmp_path: Path) -> None:
    make(tree)
    copy = tmp_path / "by-cargo"
    for name in ("shows", "part", "words"):
        shutil.copytree(tree.root / "user-rs" / name, copy / name)
    (copy / "Cargo.toml").write_text(WORKSPACE, encoding="utf-8")
    for mistakes, code in (("", 0), (MISTAKE, 2)):
        for top in (tree.root / "user-rs", copy):
            place = top / "shows/src/main.rs"
            place.write_text(place.read_text(encoding="utf-8") + mistakes, encoding="utf-8")
        theirs, (ended, ours) = by_cargo(copy, "check"), by_us(tree, "check", "-k", "shows")
        assert ended == code
        assert said(ours) == said(theirs)
        assert len(said(ours)) >= 6
        assert [each[:-1] for each in artifacts(ours)] == [each[:-1] for each in artifacts(theirs)]
        assert executed(ours) == executed(theirs) != []
        assert ours[-1] == theirs[-1] == {"reason": "build-finished", "success": not code}
    assert said(by_us(tree, "check", "-k", "shows")[1]) == said(ours), "again, as nothing has changed"


def made_of(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Of each artifact the crate, the kinds of its files, the program, and whether it was there."""
    found = (each for each in messages if each["reason"] == "compiler-artifact")
    return sorted(
        (
            each["target"]["name"],
            str(each["target"]["kind"]),
            sorted({name.rpartition("/")[2].partition(".")[2] for name in each["filenames"]}),
            each["executable"] and each["executable"].rpartition("/")[2],
            each["executable"] in each["filenames"],
            each["fresh"],
        )
        for each in found
    )


def executed(messages: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What each build script said, and whether its folder is there."""
    found = (each for each in messages if each["reason"] == "build-script-executed")
    kept = ("linked_libs", "linked_paths", "cfgs", "env")
    return sorted(
        (each["package_id"].partition("#")[2], *(each[name] for name in kept), Path(each["out_dir"]).is_dir())
        for each in found
    )


def test_a_build_says_what_cargos_build_says(tree: Tree, tmp_path: Path) -> None:
    make(tree)
    tree.write("ostoo.toml", f'{(tree.root / "ostoo.toml").read_text()}\n[targets.x86_64-ostoo-user]\ncrt = "musl"\n')
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()  # an ordinary program is none for this kernel
    copy = tmp_path / "by-cargo"
    for name in ("shows", "part", "words"):
        shutil.copytree(tree.root / "user-rs" / name, copy / name)
    (copy / "Cargo.toml").write_text(WORKSPACE, encoding="utf-8")
    for mistakes, is_fresh in (("", False), ("", True), (MISTAKE, False)):
        for top in (tree.root / "user-rs", copy) if mistakes else ():
            place = top / "shows/src/main.rs"
            place.write_text(place.read_text(encoding="utf-8") + mistakes, encoding="utf-8")
        theirs, (ended, ours) = by_cargo(copy, "build"), by_us(tree, "build", "-k", "shows")
        assert ended == (2 if mistakes else 0)
        assert said(ours) == said(theirs)
        assert len(said(ours)) >= 6
        assert [each[:-1] for each in artifacts(ours)] == [each[:-1] for each in artifacts(theirs)]
        assert made_of(ours) == made_of(theirs)
        assert executed(ours) == executed(theirs) != []
        programs = [each for each in ours if each.get("executable") and each["target"]["name"] == "shows"]
        assert [each["fresh"] for each in programs] == ([] if mistakes else [is_fresh])
        assert all(os.access(each["executable"], os.X_OK) for each in programs)
        assert ours[-1] == theirs[-1] == {"reason": "build-finished", "success": not mistakes}


def test_a_check_after_a_build_compiles_no_std_and_says_again_what_holds(built: Tree) -> None:
    file = "user-rs/hello-std/src/main.rs"
    built.replace(file, "use std::collections::HashMap;", "use std::collections::HashMap;\nfn unused() {}")
    first = built.build("hello-std.check", "hello-rs.check")
    checked = {f"Checking {name} v0.1.0" for name in ("hello-rs", "hello-std", "ostoo-rt")}
    assert {*first.steps} <= checked, "what an earlier test checked is in the cache"
    assert "Checking hello-std v0.1.0" in first.steps
    again = built.build("hello-std.check", "hello-rs.check")
    assert again.steps == []
    assert [each.stderr.count("function `unused` is never used") for each in (first, again)] == [1, 1]
    assert "Compiling core" not in built.build("hello-std").stderr, "a build has the same std"
    built.replace(file, "fn unused() {}", "fn unused() {} // edited")
    assert built.build("hello-std.check").steps == ["Checking hello-std v0.1.0"]


def test_without_names_all_that_a_build_makes_is_checked(built: Tree) -> None:
    named = by_us(built, "check", "hello-std", "hello-rs", "cat-rs")
    assert by_us(built, "check") == named == by_us(built, "check", "--all")
    assert {name for _, _, _, name, *_ in artifacts(named[1])} >= {"hello-std", "hello-rs", "cat-rs"}
