"""`sandbox=on`: actions in bubblewrap, with the real compiler. That they make the same is in `test_cache.py`."""

from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest
from trees import Result, Tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler

ON = "sandbox=on"


def build_with_script(tree: Tree, *lines: str) -> Result:
    """Build hello-rs, which gets a build script that does something."""
    tree.write("user-rs/hello-rs/build.rs", "\n".join(("fn main() {", *lines, "}\n")))
    return tree.scons(ON, "hello-rs")


def test_a_build_script_that_reads_what_is_not_declared_fails_and_the_file_is_named(tree: Tree) -> None:
    tree.write("secret.txt", "s")
    reads = 'std::fs::read("../../secret.txt").unwrap();'
    result = build_with_script(tree, reads)
    assert result.code == 2
    assert "error: the crate reads secret.txt, which is not among its declared inputs" in result.stderr
    assert "--> user-rs/hello-rs/Cargo.toml" in result.stderr
    manifest = "user-rs/hello-rs/Cargo.toml"
    declared = '\n[package.metadata.ostoo]\ninputs = ["../../secret.txt"]\n'
    tree.write(manifest, (tree.root / manifest).read_text() + declared)
    assert tree.scons(ON, "hello-rs").code == 0


@pytest.mark.parametrize("place", ["made.txt", "../made.txt", "src/main.rs", "/etc/made.txt"])
def test_a_build_script_that_writes_elsewhere_fails_and_the_file_is_named(place: str, tree: Tree) -> None:
    result = build_with_script(tree, f'let _ = std::fs::write("{place}", "x").unwrap();')
    assert result.code == 2
    named = place if place.startswith("/") else os.path.normpath(f"user-rs/hello-rs/{place}")
    assert f"error: the action writes to {named}, which is outside of its output folder" in result.stderr
    assert not (tree.root / "user-rs/hello-rs/made.txt").exists()


def test_a_crate_that_includes_what_is_not_declared_fails_and_the_file_is_named(tree: Tree) -> None:
    tree.write("user-rs/secret.txt", "s")
    source = "user-rs/hello-rs/src/main.rs"
    include = 'const _: &str = include_str!("../../secret.txt");'
    tree.replace(source, "extern crate alloc;", f"extern crate alloc;\n{include}")
    result = tree.scons(ON, "hello-rs")
    assert result.code == 2
    assert "the crate reads user-rs/secret.txt, which is not among its declared inputs" in result.stderr


def test_there_is_no_network(tree: Tree) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = build_with_script(tree, f'assert!(std::net::TcpStream::connect("127.0.0.1:{port}").is_err());')
        assert result.code == 0, result.stderr
        open_to_all = build_with_script(tree, f'std::net::TcpStream::connect("127.0.0.1:{port}").unwrap();')
        assert "the build script of hello-rs v0.1.0 failed" in open_to_all.stderr


def test_a_script_has_its_own_folder_and_a_private_one(tree: Tree) -> None:
    result = build_with_script(
        tree,
        'let out = std::env::var("OUT_DIR").unwrap();',
        'std::fs::write(format!("{out}/a.rs"), "x").unwrap();',
        'std::fs::write(std::env::temp_dir().join("b"), "x").unwrap();',
        'assert!(std::env::var("HOME").map(|home| std::fs::read_dir(home).unwrap().count()).unwrap() < 2);',
    )
    assert result.code == 0, result.stderr


def test_without_bubblewrap_the_user_is_told(tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("cc", "sh", "env"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    result = Tree(tree.root, "off").scons(ON, "hello-rs")
    assert result.code == 2
    assert "sandbox=on needs bubblewrap, which is not installed" in result.stderr
    assert "Traceback" not in result.stderr
