"""`./ostoo new` with the real cargo: what it makes builds and runs at once, what it refuses leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import planners
import pytest
from trees import Result, Tree

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import new as new_verb
from ostoo_build.cli.new import Request

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler


def ostoo(tree: Tree, *arguments: str) -> Result:
    completed = subprocess.run(
        [sys.executable, "-P", "-m", "ostoo_build.cli", "-C", str(tree.root), *arguments],
        env={**os.environ, "PYTHONPATH": str(tree.root / "site_scons")},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(completed.returncode, completed.stdout, completed.stderr)


def state(tree: Tree) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (tree.root / "user-rs").rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", [(), ("--no-std",), ("--std",)])
def test_a_new_program_builds_and_runs_at_once(kind: tuple[str, ...], tree: Tree) -> None:
    made = ostoo(tree, "new", "greet-me", *kind)
    assert (made.code, made.stdout) == (0, "")
    assert made.stderr.endswith("Created user-rs/greet-me/src/main.rs\n        Next ./sconsw greet-me\n")
    built = tree.build("greet-me")
    assert "warning" not in built.stderr
    assert tree.run("greet-me") == (0, "Hello from greet-me!\n", "")
    tree.write("ostoo.toml", f'cache = "{tree.cache}"')
    tested = ostoo(tree, "test", "greet-me")
    assert (tested.code, tested.stdout.count("test tests::it_works ... ok")) == (0, 1)
    assert "warning" not in tested.stderr


def test_the_workspace_keeps_its_words_and_order(tree: Tree) -> None:
    manifest = tree.root / "user-rs/Cargo.toml"
    before = manifest.read_text().replace("members = [", "members = [ # ours", 1)
    manifest.write_text(before)
    assert ostoo(tree, "new", "greet").code == 0
    assert manifest.read_text() == before.replace('    "hello-std",\n', '    "hello-std",\n    "greet",\n')


def test_a_pattern_that_covers_the_program_is_enough(tree: Tree) -> None:
    tree.replace("user-rs/Cargo.toml", '    "hello-rs",\n    "hello-std",\n', '    "hello-*",\n')
    before = (tree.root / "user-rs/Cargo.toml").read_text()
    assert ostoo(tree, "new", "hello-all").code == 0
    assert (tree.root / "user-rs/Cargo.toml").read_text() == before
    tree.build("hello-all")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hello-rs", "hello-rs already exists"),
        ("ostoo-rt", "ostoo-rt already exists"),
        ("rt", "the folder rt already exists"),
        ("deploy", "deploy is reserved: it is a build target or a folder of cargo's"),
        ("target", "target is reserved: it is a build target or a folder of cargo's"),
        ("match", "invalid package name `match`: it is a Rust keyword"),
        ("core", "may be confused with the package with that name in Rust's standard library"),
        ("9lives", "the name cannot start with a digit"),
        ("../up", "invalid character `.`"),
        ("a b", "invalid character ` `"),
        ("größe", "non-ASCII"),
        ("", "package name cannot be empty"),
    ],
)
def test_a_name_that_no_program_can_have_is_refused(name: str, message: str, tree: Tree) -> None:
    before = state(tree)
    result = ostoo(tree, "new", name)
    assert result.code == 2
    assert message in result.stderr
    assert "help: choose another name" in result.stderr
    assert "Traceback" not in result.stderr
    assert state(tree) == before


def test_nothing_stays_where_the_workspace_cannot_be_written(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    before = state(tree)
    monkeypatch.setattr(new_verb, "write_atomically", full)
    console, request = Console(colour=False, quiet=True), Request("greet", std=False, start=tree.root)
    with pytest.raises(OstooError, match="can't create greet: No space left on device"):
        new_verb.create(lambda: planners.opened(tree.root), console, request)
    assert state(tree) == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 0, "create a program in this folder's workspace and in its style"),
        (("help",), 0, "create a program in this folder's workspace and in its style"),
        (("--help",), 0, "create a program in this folder's workspace and in its style"),
        (("nwe",), 2, "ostoo does not know nwe"),
        (("new",), 2, "the following arguments are required: NAME"),
        (("new", "x", "--std", "--no-std"), 2, "not allowed with argument"),
    ],
)
def test_the_command_line_explains_itself(arguments: tuple[str, ...], code: int, said: str, tree: Tree) -> None:
    result = ostoo(tree, *arguments)
    assert result.code == code
    assert said in result.stdout + result.stderr
