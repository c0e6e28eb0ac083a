"""The targets that a package has, and what its build script may say of them, held against the real cargo."""

from __future__ import annotations

import json
import os
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, cargo

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import manifest
from ostoo_build.rust import build_script
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.compiler

FOLDERS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}
KEYS = {"bin": "autobins", "example": "autoexamples", "test": "autotests", "bench": "autobenches"}
PLACES = ("{0}/a.rs", "{0}/b-c.rs", "{0}/d/main.rs", "{0}/e/other.rs", "{0}/.f.rs", "{0}/.g/main.rs", "{0}/h.txt")


def tables(draw: random.Random, kind: str, made: list[str]) -> Iterator[str]:
    """Some targets that are written down: found ones under their own name or another, and some that lie elsewhere."""
    for number in range(draw.randint(0, 2)):
        folder = FOLDERS[kind]
        told = draw.choice(
            [
                ('name = "a"', f"{folder}/a.rs"),
                (f'name = "own-{number}"\npath = "{folder}/b-c.rs"', f"{folder}/b-c.rs"),
                (f'name = "{kind}{number}"\npath = "else/{kind}{number}.rs"', f"else/{kind}{number}.rs"),
                ('name = "d"', f"{folder}/d/main.rs"),
            ]
        )
        made.append(told[1])
        yield f"[[{kind}]]\n{told[0]}\n"


def make(draw: random.Random, folder: Path) -> Path:
    edition = draw.choice(["", 'edition = "2015"\n', 'edition = "2021"\n'])
    autos = "".join(f"{key} = {draw.choice(['true', 'false'])}\n" for key in KEYS.values() if draw.random() < 0.3)
    made = ["src/lib.rs"] + (["src/main.rs"] if draw.random() < 0.5 else [])
    made += [place.format(name) for name in FOLDERS.values() for place in PLACES if draw.random() < 0.4]
    written = "".join(table for kind in FOLDERS for table in dict.fromkeys(tables(draw, kind, made)))
    library = draw.choice(["", "[lib]\n", '[lib]\nname = "other"\ncrate-type = ["cdylib", "rlib"]\n'])
    path = folder / "Cargo.toml"
    path.write_text(f'[package]\nname = "of-all"\nversion = "0.1.0"\n{edition}{autos}{library}{written}')
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("fn main() {}\n")
    return path


def test_a_package_has_the_targets_that_cargo_finds(tmp_path: Path) -> None:
    compared = 0
    for seed in range(60):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path = make(random.Random(seed), folder)  # noqa: S311 - an example, not a secret
        try:
            (package,) = json.loads(cargo(folder, "metadata", "--no-deps", "--format-version=1"))["packages"]
        except subprocess.CalledProcessError:
            continue  # two of one name, which cargo refuses
        theirs = {(kind, target["name"]) for target in package["targets"] for kind in target["kind"]}
        assert set(manifest.read(path).targets) == theirs, (seed, path.read_text())
        compared += 1
    assert compared > 30


SHAPES = {
    "a program": ("", ("src/main.rs",)),
    "a library": ("", ("src/lib.rs",)),
    "a program of another name": ('[[bin]]\nname = "other"\npath = "src/main.rs"\n', ("src/main.rs",)),
    "all": (
        '[lib]\ncrate-type = ["lib", "cdylib"]\n',
        ("src/lib.rs", "src/main.rs", "tests/t.rs", "examples/e.rs", "benches/b.rs"),
    ),
    "an older one": ("", ("src/main.rs",)),
}
SAID = (
    *(f"cargo::rustc-link-arg-{kind}=-z" for kind in ("bins", "tests", "examples", "benches", "cdylib")),
    *("cargo::rustc-link-arg-bin=said=-z", "cargo:rustc-link-arg-bin=other=-z", "cargo::rustc-cdylib-link-arg=-z"),
    *("cargo:rustc-link-arg-bins=-z", "cargo:rustc-link-arg-tests=-z", "cargo::rustc-link-arg=-z", "cargo:rustc-cfg=a"),
)


def package(folder: Path, shape: str) -> Path:
    table, files = SHAPES[shape]
    oldest = 'rust-version = "1.76"\n' if shape == "an older one" else 'rust-version = "1.77"\n'
    path = folder / "Cargo.toml"
    path.write_text(f'[package]\nname = "said"\nversion = "0.1.0"\nedition = "2021"\n{oldest}{table}')
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("fn main() {}\n" if name != "src/lib.rs" else "")
    (folder / "build.rs").write_text('fn main() { print!("{}", std::fs::read_to_string("said").unwrap()); }\n')
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_a_script_may_say_what_cargo_lets_it_say(shape: str, tmp_path: Path) -> None:
    path = package(tmp_path, shape)
    found = toolchain.find(PROJECT, {}, os.environ)
    for said in SAID:
        (tmp_path / "said").write_text(f"{said}\n")
        command = [str(found.cargo), "check", "--quiet"]
        environment = {**os.environ, **dict(found.env), "RUSTC": str(found.rustc)}
        theirs = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert theirs.returncode == 0 or "instruction" in theirs.stderr, theirs.stderr
        assert is_taken(path, said) == (theirs.returncode == 0), (said, theirs.stderr)


def is_taken(path: Path, said: str) -> bool:
    read = manifest.read(path)
    package = build_script.Package(read.targets, dict(read.metadata)["CARGO_PKG_RUST_VERSION"])
    try:
        build_script.check(build_script.parse(said, "build.rs"), package, "build.rs")
    except OstooError:
        return False
    return True
