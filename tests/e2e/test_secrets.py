"""What the user's environment says is nowhere on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trees import Tree

pytestmark = pytest.mark.compiler

KEPT_BACK = "x7-not-for-anybody-q3"


def holders(*folders: Path) -> Iterator[str]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and KEPT_BACK.encode() in path.read_bytes():
                yield str(path)


def test_a_secret_of_the_environment_is_nowhere_on_disk(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for name in ("API_TOKEN", "CARGO_REGISTRY_TOKEN", "OSTOO_REMOTE_TOKEN", "PASSWORD", "https_proxy"):
        monkeypatch.setenv(name, KEPT_BACK)
    for arguments in ((), ("hello-rs",), ("hello-rs.tests",), ("--timings", "profile=dev"), ("no-such-program",)):
        tree.scons(*arguments)
    tree.replace("user-rs/hello-rs/src/main.rs", "Hello", "Goodbye")
    tree.build()
    tree.build()
    assert list(tree.root.glob("build/.ostoo/null-builds/*")), "this looks at nothing"
    assert list(holders(tree.root / "build", tree.root / "sysroot", tmp_path / "user", Path(tree.cache))) == []


def test_state_that_may_tell_of_the_environment_is_the_users_alone(tree: Tree) -> None:
    old = os.umask(0)
    try:
        tree.build("hello-rs")
        tree.build("hello-rs")
    finally:
        os.umask(old)
    memos = tree.root / "build/.ostoo"
    files = [path for name in ("null-builds", "actions") for path in (memos / name).iterdir()]
    assert files, "this looks at nothing"
    assert [str(path) for path in files if path.stat().st_mode & 0o077] == []
