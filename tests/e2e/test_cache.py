"""One action cache for many checkouts, users and processes, with the real compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, TARGET, Result, Tree, copy_cache, copy_tree, take_sysroot

from ostoo_build.actions import action_log
from ostoo_build.base import layout, user_cache
from ostoo_build.cache import folder as cache_folder

if TYPE_CHECKING:
    from ostoo_build.actions.action_log import Entry

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("cache")]


@dataclass(frozen=True)
class Elsewhere:
    """What a build of hello-rs made with an empty cache, and the user's folder that its checkout is in."""

    tree: Tree
    result: Result
    folder: Path


@pytest.fixture(scope="module")
def elsewhere(first: Tree, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """A checkout with cache and home of its own, as on another machine, each action in a sandbox.

    Std is not made here, which takes long: test_remote.py has it made elsewhere, of nothing but its declared inputs.
    """
    folder = tmp_path_factory.mktemp("elsewhere") / "another folder with spaces and ü"
    variables = {"LC_ALL": "C", "TZ": "Asia/Tokyo", "USER": "bob-at-work", "HOSTNAME": "second-machine"}
    home = folder / "home"
    home.mkdir(parents=True)
    tree = take_sysroot(copy_tree(folder / "src", str(folder / "cache")), first)
    own = {"HOME": str(home), "CARGO_HOME": str(home / "cargo"), "XDG_CACHE_HOME": str(home / "cache"), **variables}
    rustup = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    command = [sys.executable, "-P", "-m", "SCons", "-Q", f"cache={tree.cache}", "sandbox=on", "-j3", "hello-rs"]
    environment = {**os.environ, "RUSTUP_HOME": rustup, **own}

    done = subprocess.run(
        command, cwd=tree.root, env=environment, umask=0o077, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Elsewhere(tree, Result(done.returncode, done.stdout, done.stderr), folder)


def actions(tree: Tree) -> dict[str, Entry]:
    return action_log.read(tree.root / layout.ACTIONS)


def test_a_program_without_std_does_not_build_std(elsewhere: Elsewhere) -> None:
    crates = elsewhere.result.done("Compiling")
    assert [crate for crate in crates if crate not in ("hello-rs", "ostoo-rt")] == [
        "alloc",
        "compiler_builtins",
        "compiler_builtins",
        "core",
    ]


def test_machines_that_differ_in_what_must_not_matter_ask_for_the_same_actions(
    first: Tree, elsewhere: Elsewhere
) -> None:
    there = elsewhere.tree
    asked = actions(there)
    assert len(asked) > 8
    assert {name: actions(first).get(name) for name in asked} == asked
    words = (str(first.root), str(elsewhere.folder), str(Path.home()), "bob-at-work", "second-machine")
    for entry in asked.values():
        text = repr((entry.arguments, entry.environment, entry.inputs))
        assert not [word for word in words if word in text], "what is in a key is the same on each machine"


def outputs(tree: Tree) -> dict[str, bytes]:
    """What was compiled and linked for the target, by its place in the checkout."""
    units = tree.root / "build" / TARGET
    made = [path for path in units.rglob("*") if path.suffix in (".rlib", ".rmeta") or path.name.startswith("hello-rs")]
    return {str(path.relative_to(units)): path.read_bytes() for path in made if path.is_file()}


def test_two_checkouts_make_the_same_bytes_in_a_sandbox_or_not(first: Tree, elsewhere: Elsewhere) -> None:
    """Both compile everything; that zig makes the same sysroot everywhere has a test of its own."""
    assert {"core", "alloc", "ostoo-rt", "hello-rs"} <= {*elsewhere.result.done("Compiling")}
    there = elsewhere.tree
    here, found = outputs(first), outputs(there)
    assert len(found) > 8
    assert [name for name in found if here[name] != found[name]] == []
    for tree in (first, there):
        assert not any(str(tree.root).encode() in data for data in outputs(tree).values())


def test_a_fresh_clone_runs_no_compiler(tree: Tree, tmp_path: Path) -> None:
    first = tree.build("hello-std")
    assert first.steps == []
    clone = copy_tree(tmp_path / "clone", tree.cache)
    result = clone.build("hello-std")
    assert result.steps == []
    assert "Restored hello-std from the action cache" in result.stderr
    assert clone.program("hello-std").read_bytes() == tree.program("hello-std").read_bytes()
    made = sorted(path.name for path in (clone.root / "build").rglob("*") if path.is_file())
    assert not [name for name in made if name.endswith((".rlib", ".rmeta", ".o"))]


def test_a_fresh_clone_starts_no_process_at_all(shared_cache: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"  # others, at the same time, plan so much that plans go
    copy_cache(shared_cache, cache)
    copy_tree(tmp_path / "tree", str(cache)).build("hello-std")
    clone = copy_tree(tmp_path / "clone", str(cache))
    report = tmp_path / "calls"
    command = [sys.executable, "-P", "-m", "SCons", "-Q", f"cache={clone.cache}", "hello-std"]
    trace = ["strace", "-f", "-qq", "-e", "trace=execve", "-o", str(report)]
    subprocess.run([*trace, *command], cwd=clone.root, env=dict(os.environ), check=True, capture_output=True)
    started = [line for line in report.read_text().splitlines() if "execve(" in line and " = 0" in line]
    assert len(started) == 1, started


def test_eight_builds_at_once_share_a_cache(shared_cache: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    copy_cache(shared_cache, cache)
    trees = [copy_tree(tmp_path / f"checkout-{number}", str(cache)) for number in range(8)]
    for number, tree in enumerate(trees):
        tree.replace("user-rs/rt/src/io.rs", "//!", f"//! {number // 2}\n//!")
        tree.replace("user-rs/hello-rs/src/main.rs", "Heap works", f"{number}: Heap works")
    processes = [tree.start("hello-rs") for tree in trees]
    said = [process.communicate(timeout=600)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    for number, tree in enumerate(trees):
        assert f"{number}: Heap works" in tree.run("hello-rs")[1]
    verify = [sys.executable, "-P", "-m", "ostoo_build.cli", "cache", "--cache", str(cache), "verify"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "site_scons")}
    done = subprocess.run(verify, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "are intact" in done.stdout
    for tree in trees:
        shutil.rmtree(tree.root / "build")
        assert tree.build("hello-rs").steps == []


def test_everything_that_builds_leave_in_a_users_cache_is_known_as_its_own(shared_cache: Path) -> None:
    """Also without the tag: it is written with the first result, and plans may be there long before."""
    for folder in (user_cache.folder(), shared_cache):
        names = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        assert names
        parts = {path for path in names if path.parts[0] in cache_folder.PARTS}
        assert {path for path in parts if not cache_folder.is_entry(path.parts[0], folder / path)} == set()
        assert {path.name for path in names - parts if not path.name.startswith(".")} <= cache_folder.OTHERS
