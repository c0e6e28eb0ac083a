"""Checkouts for tests: std is compiled once for all of them and found in a shared action cache afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from trees import Tree, copy_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An action cache that holds all programs; pytest's workers share it."""
    folder = tmp_path_factory.getbasetemp().parent / "action-cache"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            root = tmp_path_factory.mktemp("first")
            copy_tree(root, str(folder)).build()
    return folder


@pytest.fixture
def tree(tmp_path: Path, shared_cache: Path) -> Tree:
    """A checkout that is not built yet; most of what it needs is in the cache."""
    return copy_tree(tmp_path / "checkout", str(shared_cache))


@pytest.fixture
def built(tree: Tree) -> Tree:
    """A checkout with all programs built."""
    tree.build()
    return tree
