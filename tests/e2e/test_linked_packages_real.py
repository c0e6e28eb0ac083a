"""Packages whose folder is a link have the names that cargo gives them, and are others once it is turned."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import beside_cargo
import crates
import pytest
from trees import Tree, copy_tree

from ostoo_build.planning.planned_unit import RunBuildScript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beside_cargo import Both

    from ostoo_build.planning.planned_unit import PlannedUnit, Unit

pytestmark = pytest.mark.compiler

TELLS = """fn main() {
    let mut text = String::new();
    for (name, value) in std::env::vars() {
        if name.starts_with("CARGO_MANIFEST") { text += &format!("{name}=\\"{value}\\"\\n"); }
    }
    std::fs::write(std::env::var("OUT_DIR").unwrap() + "/env", text).unwrap();
}
"""
SAYS = """#![no_std]
pub const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
pub const FILE: &str = file!();
pub const WORD: &str = WORD_IS;
"""


def link(path: Path, goal: Path) -> None:
    """Have a name lead elsewhere, by a relative path as people write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(os.path.relpath(goal, path.parent))


def package(folder: Path, name: str, more: str, lib: str, version: str = "0.1.0") -> None:
    (folder / "src").mkdir(parents=True)
    head = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
    (folder / "Cargo.toml").write_text(head + more)
    (folder / "src/lib.rs").write_text(lib)
    (folder / "build.rs").write_text(TELLS)


def make(tree: Tree, outside: Path) -> None:
    """A program that needs a package behind each kind of link."""
    goals, space = tree.root / "goals", tree.root / "user-rs"
    says = SAYS.replace("WORD_IS", '"first"')
    package(goals / "v1", "depended", "", says)
    package(goals / "v2", "depended", "", SAYS.replace("WORD_IS", '"second"'))
    package(goals / "folder/inner", "inner", "", says)
    package(goals / "patch", "cfg-if", "", says, version="1.9.9")
    package(goals / "hosted", "hosted", "", "pub const H: u32 = 1;")
    package(outside, "outside", "", says)
    words = crates.proc_macro("word", 'format!("{:?}", env!("CARGO_MANIFEST_DIR")).parse().unwrap()')
    package(goals / "words", "words", "[lib]\nproc-macro = true\npath = 'linked/lib.rs'\n", "")
    (goals / "words/real").mkdir()
    (goals / "words/real/lib.rs").write_text(words)
    link(goals / "words/linked", goals / "words/real")
    asks = f"""[dependencies]
{crates.RUNTIME}
{crates.paths("depended", "words", "outside")}
inner = {{ path = "../deep/inner" }}
cfg-if = "1"
[build-dependencies]
{crates.paths("hosted")}
"""
    names = ("depended", "inner", "cfg_if", "outside")
    told = "".join(f'println!("{{}} {{}} {{}}", {name}::FOLDER, {name}::FILE, {name}::WORD);' for name in names)
    own = 'println!("{} {} {}", env!("CARGO_MANIFEST_DIR"), file!(), words::word!());'
    crates.add(tree, "member", asks, main=crates.main(told, own), build=TELLS)
    shutil.move(space / "member", goals / "member")
    shutil.copytree(goals / "member", goals / "another", symlinks=True)
    for name, goal in (("member", "member"), ("depended", "v1"), ("deep", "folder"), ("patched", "patch")):
        link(space / name, goals / goal)
    for name in ("hosted", "words"):
        link(space / name, goals / name)
    link(space / "outside", outside)
    manifest = tree.root / "user-rs/Cargo.toml"
    manifest.write_text(f'{manifest.read_text()}\n[patch.crates-io]\ncfg-if = {{ path = "patched" }}\n')
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()  # it lets no program name this machine's folders


def named(both: Both, unit: PlannedUnit) -> dict[str, str]:
    """What a unit is told of its own package."""
    return {name: value for name, value in both.expanded(unit).items() if name.startswith("CARGO_MANIFEST")}


def of_members(both: Both) -> Iterator[Unit]:
    for unit in both.program.units:
        if not unit.is_std and unit.label.split()[0] != "ostoo-rt":
            yield unit


@pytest.fixture(scope="module", params=["user-rs", "user-rs is a link"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("linked")
    tree = copy_tree(folder / "checkout", "off")
    if request.param != "user-rs":
        shutil.move(tree.root / "user-rs", tree.root / "userspace")
        link(tree.root / "user-rs", tree.root / "userspace")
    make(tree, folder / "outside")
    return beside_cargo.both_ways(tree, "user-rs", "member", "release", folder / "cargo")


def test_packages_behind_links_have_the_names_that_cargo_gives_them(both: Both) -> None:
    root = both.planner.paths.root
    calls = {(call.environment["CARGO_PKG_NAME"], call.crate): call for call in both.cargo.calls}
    compared = set()
    for unit in of_members(both):
        name = unit.label.split()[0]
        if isinstance(unit, RunBuildScript):
            theirs = both.cargo.script_environment(name)
            assert named(both, unit) == theirs, name
            continue
        arguments = [both.planner.paths.expand(word) for word in unit.arguments]
        call = calls[name, arguments[arguments.index("--crate-name") + 1]]
        told = {key: value for key, value in call.environment.items() if key.startswith("CARGO_MANIFEST")}
        assert named(both, unit) == told, name
        directory = Path(root, both.planner.paths.expand(unit.directory))
        assert os.path.realpath(directory) == call.directory, name
        source = next(word for word in call.arguments if word.endswith(".rs"))
        ours = next(word for word in arguments if word.endswith(".rs"))
        assert os.path.join(directory, ours) == os.path.join(call.directory, source), name  # noqa: PTH118 - by name
        compared.add(name)
    assert compared == {"member", "depended", "inner", "cfg-if", "hosted", "words", "outside"}


def said(tree: Tree) -> list[list[str]]:
    tree.build("member")
    assert tree.build("member").steps == []
    code, stdout, stderr = tree.run("member")
    assert code == 0, stderr
    return [line.split() for line in stdout.splitlines()]


def lines(root: Path, word: str, own: str = "user-rs/member") -> list[list[str]]:
    """What the program says of a checkout."""
    names = ("user-rs/depended", "user-rs/deep/inner", "user-rs/patched", "user-rs/outside")
    told = [[str(root / name), f"{name}/src/lib.rs", "first"] for name in names]
    told[0][2] = word
    return [*told, [str(root / own), f"{own}/src/main.rs", str(root / "user-rs/words")]]


def test_a_package_whose_link_is_turned_is_another_one(tree: Tree, tmp_path: Path) -> None:
    make(tree, tmp_path / "outside")
    first = lines(tree.root, "first")
    assert said(tree) == first
    goals, depended = tree.root / "goals", tree.root / "user-rs/depended"
    for goal, word in (("v2", "second"), ("v1", "first"), ("v2", "second")):
        link(depended, goals / goal)
        assert said(tree) == lines(tree.root, word), goal
    manifest = goals / "v2/Cargo.toml"
    manifest.write_text(manifest.read_text() + '[features]\ndefault = ["x"]\nx = []\n')
    source = goals / "v2/src/lib.rs"
    source.write_text(source.read_text().replace('"second"', 'if cfg!(feature = "x") { "with" } else { "without" }'))
    assert said(tree) == lines(tree.root, "with")
    link(depended, goals / "v1")
    assert said(tree) == first
    main = goals / "another/src/main.rs"
    main.write_text(main.read_text().replace("fn main() -> i32 {", 'fn main() -> i32 { println!("another");'))
    link(tree.root / "user-rs/member", goals / "another")
    assert said(tree) == [["another"], *first]
    depended.unlink()
    shutil.copytree(goals / "v2", depended)
    assert said(tree) == [["another"], *lines(tree.root, "with")]


def test_another_checkout_takes_nothing_of_where_a_link_led(tree: Tree, tmp_path: Path) -> None:
    """Both share a cache; the second has the link turned."""
    make(tree, tmp_path / "outside")
    other = Tree(tmp_path / "other", tree.cache)
    shutil.copytree(tree.root, other.root, symlinks=True)
    for place, goal in ((tree, "v1"), (other, "v2")):
        (place.root / "user-rs/outside").unlink()
        shutil.copytree(tmp_path / "outside", place.root / "user-rs/outside")
        link(place.root / "user-rs/depended", place.root / f"goals/{goal}")
    assert said(tree) == lines(tree.root, "first")
    assert said(other) == lines(other.root, "second")
