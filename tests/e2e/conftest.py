"""Checkouts for tests: std is compiled once for all of them and found in a shared action cache afterwards."""

from __future__ import annotations

import compileall
from pathlib import Path

import pytest
from filelock import FileLock
from trees import PROJECT, Tree, copy_tree


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A checkout in which everything was compiled, for all tests: pytest's workers share it. Not to be touched."""
    folder = tmp_path_factory.getbasetemp().parent
    tree = Tree(folder / "first", str(folder / "action-cache"))
    with FileLock(folder / "first.lock"):
        if not tree.root.exists():
            compileall.compile_dir(PROJECT / "site_scons", quiet=1)
            copy_tree(tree.root, tree.cache).build()
    return tree


@pytest.fixture(scope="session")
def shared_cache(first: Tree) -> Path:
    """An action cache that holds all programs."""
    return Path(first.cache)


@pytest.fixture
def tree(tmp_path: Path, shared_cache: Path) -> Tree:
    """A checkout that is not built yet; most of what it needs is in the cache."""
    return copy_tree(tmp_path / "checkout", str(shared_cache))


@pytest.fixture
def built(tree: Tree) -> Tree:
    """A checkout with all programs built."""
    tree.build()
    return tree
