"""Whatever is edited in a package, its build script runs again where cargo runs it again, and where it read that."""

from __future__ import annotations

import os
import random
import re
import subprocess
from typing import TYPE_CHECKING

import crates
import pytest
from trees import PROJECT

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

READ = ("data.txt", "list/one", "list/two", "linked")
"""What the script reads, if it is there."""

SCRIPT = """
mod helper;
fn main() {
    let read = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
    let all: Vec<String> = [READ].iter().map(|name| read(name).trim().to_owned()).collect();
    println!("cargo::rustc-env=ALL={}{}", helper::word(), all.join("-"));
    TELLS
}
"""
TELLS = {
    "what it reads": ("changed=data.txt", "changed=list", "changed=linked", "changed=build.rs"),
    "more than it reads": ("changed=data.txt", "changed=list", "changed=linked", "changed=unread.txt"),
    "less than it reads": ("changed=build.rs",),
    "a variable": ("env-changed=NOBODY_SETS_IT",),
    "nothing": (),
}
FILES = {
    **dict.fromkeys(("data.txt", "list/one", "unread.txt", "README.md", "src/bin-data.txt"), "first"),
    "helper.rs": 'pub fn word() -> &\'static str { "" }',
    "goal": "first",
    "tests/t.rs": "",
}
OF_SCRIPT = ("build.rs", "helper.rs")
NOBODYS = ("README.md", "src/bin-data.txt", "tests/t.rs")
"""No script reads or tells of these, whatever it is: each kind of script has one of them edited, for all three."""
EDITED = ("src/main.rs", *(name for name in FILES if name not in NOBODYS), "build.rs")
"""All of them are there already: which files there are makes a difference to who lists them."""


def package(tree: Tree, alone: Path, tells: Sequence[str]) -> tuple[Path, ...]:
    """The same package in a checkout, and for cargo on its own."""
    lines = "".join(f'println!("cargo::rerun-if-{each}");' for each in tells)
    build = SCRIPT.replace("READ", ", ".join(f'"{name}"' for name in READ)).replace("TELLS", lines)
    main = crates.main('println!("{}", env!("ALL"));')
    crates.add(tree, "reruns", f"[dependencies]\n{crates.RUNTIME}", main=main, build=build)
    for folder in (tree.root / "user-rs/reruns", alone):
        for name, text in {**FILES, "build.rs": build}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        (folder / "linked").symlink_to("goal")
    (alone / "src").mkdir(exist_ok=True)
    (alone / "src/main.rs").write_text("fn main() {}\n")
    (alone / "Cargo.toml").write_text('[package]\nname = "reruns"\nversion = "0.1.0"\nedition = "2021"\n')
    return tree.root / "user-rs/reruns", alone


def cargo_runs(alone: Path) -> bool:
    found = toolchain.find(PROJECT, {}, os.environ)
    environment = {**os.environ, **dict(found.env), "RUSTC": str(found.rustc)}
    command = [str(found.cargo), "check", "--verbose", "--color=never"]
    done = subprocess.run(command, cwd=alone, env=environment, capture_output=True, text=True, check=True)
    return bool(re.search(r"Running `.*build-script-build`", done.stderr))


def we_run(tree: Tree) -> tuple[bool, bool]:
    """Whether we compiled the script, and ran it."""
    script = [step.split()[0] for step in tree.build("reruns").steps if "(build script)" in step]
    return "Compiling" in script, "Running" in script


def found_now(folder: Path) -> str:
    return "-".join((folder / name).read_text().strip() if (folder / name).exists() else "" for name in READ)


@pytest.mark.parametrize("tells", TELLS)
def test_a_script_runs_again_where_cargo_runs_it_and_for_what_it_read(tells: str, tree: Tree, tmp_path: Path) -> None:
    folders = package(tree, tmp_path / "alone", TELLS[tells])
    assert (*we_run(tree), cargo_runs(folders[1])) == (True, True, True)
    draw = random.Random(tells)  # noqa: S311 - an example, not a secret
    edited = [*EDITED, NOBODYS[list(TELLS).index(tells) % len(NOBODYS)]]
    for number, name in enumerate(draw.sample(edited, len(edited))):
        for folder in folders:
            text = (folder / name).read_text()
            comment = f"// {number}\n" if name.endswith(".rs") else f"{number}"
            (folder / name).write_text(text + comment)
        (compiles, runs), of_cargo = we_run(tree), cargo_runs(folders[1])
        assert compiles == (name in OF_SCRIPT), name
        if name in OF_SCRIPT:
            assert of_cargo, "it goes by time: here a script that came out the same has nothing else to say"
        elif (name in READ or name == "goal") and tells in ("less than it reads", "a variable"):
            assert (runs, of_cargo) == (True, False), name
        else:
            assert runs == of_cargo, name
        assert tree.run("reruns")[1].strip() == found_now(folders[0]), name
    assert tree.build("reruns").steps == []


def test_a_script_may_name_the_whole_checkout(tree: Tree) -> None:
    script = """fn main() {
    println!("cargo::rerun-if-changed=../..");
    println!("cargo::rustc-env=ALL={}", std::fs::read_to_string("../../note.txt").unwrap().trim());
}"""
    main = crates.main('println!("{}", env!("ALL"));')
    crates.add(tree, "reruns", f"[dependencies]\n{crates.RUNTIME}", main=main, build=script)
    for text in ("first", "second"):
        tree.write("note.txt", text)
        tree.build("reruns")
        assert tree.run("reruns")[1].strip() == text
        assert tree.build("reruns").steps == []
