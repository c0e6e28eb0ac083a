"""What the first registry crate of a workspace is locked to: what the real cargo locks, not what std's source has."""

from __future__ import annotations

import json
import shutil
import tomllib
from typing import TYPE_CHECKING

import crates
import planners
import pytest
from trees import PROJECT, Tree, cargo, copy_tree

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.invocation.planner import Planner

pytestmark = pytest.mark.compiler

OLDER = "cfg-if"
"""A crate of std's."""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A checkout whose registry is a folder with std's crates and a newer one."""
    tree = copy_tree(tmp_path / "checkout", "off")
    vendor = opened(tree).tools.toolchain.rust_src / "vendor"
    registry = tmp_path / "registry"
    registry.mkdir()
    for crate in vendor.iterdir():
        (registry / crate.name).symlink_to(crate)
    (older,) = vendor.glob(f"{OLDER}-*")
    newer = registry / f"{OLDER}-1.999.0"
    shutil.copytree(older, newer)
    manifest = (newer / "Cargo.toml").read_text(encoding="utf-8")
    (newer / "Cargo.toml").write_text(manifest.replace(older.name.rpartition("-")[2], "1.999.0", 1), encoding="utf-8")
    (newer / ".cargo-checksum.json").write_text(json.dumps({"files": {}, "package": "0" * 64}))
    source = f'\n[source.crates-io]\nreplace-with = "mine"\n[source.mine]\ndirectory = "{registry}"\n'
    tree.write("user-rs/.cargo/config.toml", (PROJECT / "user-rs/.cargo/config.toml").read_text() + source)
    return tree


def opened(tree: Tree) -> Planner:
    return planners.opened(tree.root)


def locked(tree: Tree, name: str) -> list[str]:
    document = tomllib.loads((tree.root / "user-rs/Cargo.lock").read_text())
    return [package["version"] for package in document["package"] if package["name"] == name]


def test_a_crate_that_std_has_too_is_locked_as_cargo_locks_it(tree: Tree) -> None:
    crates.add(tree, "asks", f'[dependencies]\n{crates.RUNTIME}\n{OLDER} = "1"', main=crates.main())
    program = opened(tree).plan("asks", "x86_64-ostoo-user")
    assert locked(tree, OLDER) == ["1.999.0"]
    assert f"{OLDER} v1.999.0" in [unit.label for unit in program.units]
    ours = (tree.root / "user-rs/Cargo.lock").read_bytes()
    (tree.root / "user-rs/Cargo.lock").unlink()
    cargo(tree.root / "user-rs", "generate-lockfile")
    assert (tree.root / "user-rs/Cargo.lock").read_bytes() == ours


@pytest.mark.parametrize("is_locked", [True, False])
def test_a_workspace_that_needs_no_registry_asks_none(is_locked: bool, tree: Tree) -> None:  # noqa: FBT001 - a case
    """Its registry has nothing: std's crates come from std's source."""
    crates.add(tree, "asks", f"[dependencies]\n{crates.RUNTIME}", main=crates.main())
    if not is_locked:
        (tree.root / "user-rs/Cargo.lock").unlink()
    shutil.rmtree(tree.root.parent / "registry")
    (tree.root.parent / "registry").mkdir()
    assert opened(tree).plan("asks", "x86_64-ostoo-user").units
    assert locked(tree, "asks") == ["0.1.0"]


@pytest.mark.parametrize("dependency", ["", f'{OLDER} = "1"\n'])
def test_a_locked_build_changes_no_lock_and_says_how_to(dependency: str, tree: Tree) -> None:
    """Whether the workspace needs a registry or not; of a plan that is remembered, too."""
    crates.add(tree, "asks", f"[dependencies]\n{crates.RUNTIME}\n{dependency}", main=crates.main())
    lock = tree.root / "user-rs/Cargo.lock"
    before = lock.read_bytes()
    for _ in range(2):
        refused = tree.scons("asks", "-n", "locked=on")
        assert refused.code == 2
        assert refused.stderr.count("error: ") == 1
        assert "because --locked was passed to prevent this" in refused.stderr
        assert "user-rs/Cargo.lock" in refused.stderr
        assert "help: build without locked=on, and commit Cargo.lock" in refused.stderr
        assert lock.read_bytes() == before
    tree.build("asks", "-n")
    after = lock.read_bytes()
    assert after != before
    tree.build("asks", "-n", "locked=on")
    assert planners.opened(tree.root, locked="on").plan("asks", "x86_64-ostoo-user").units
    lock.write_bytes(before)
    assert tree.scons("asks", "-n", "locked=on").code == 2
    lock.unlink()
    assert "help: build without locked=on" in tree.scons("asks", "-n", "locked=on").stderr
    assert not lock.exists()
