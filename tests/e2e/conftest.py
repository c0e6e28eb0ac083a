"""Checkouts for tests: std is compiled once for all of them and found in a shared action cache afterwards."""

from __future__ import annotations

import compileall
import os
import shlex
import sys
from typing import TYPE_CHECKING

import forked
import pytest
from filelock import FileLock
from trees import PROJECT, Tree, copy_tree, take_sysroot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _of_all_workers(factory: pytest.TempPathFactory) -> Path:
    """Return the run's folder: each worker has one of its own in it."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _user_cache_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give whole builds one user, also those that fixtures of modules make: a toolchain takes long to hash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_of_all_workers(tmp_path_factory) / "user"))
        yield
        forked.stop()


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A checkout in which everything was compiled, for all tests: pytest's workers share it. Not to be touched."""
    folder = _of_all_workers(tmp_path_factory)
    tree = Tree(folder / "first", str(folder / "action-cache"))
    with FileLock(folder / "first.lock"):
        if not tree.root.exists():
            compileall.compile_dir(PROJECT / "site_scons", quiet=1)
            made = copy_tree(tree.root, tree.cache)
            made.build()  # with what std may need of the C library; the cache then has this and the whole
            made.build("sysroot")
    return tree


@pytest.fixture(scope="session")
def first_developed(first: Tree) -> Tree:
    """A checkout in which programs were compiled for development, likewise."""
    tree = Tree(first.root.with_name("first-developed"), first.cache)
    with FileLock(tree.root.with_name("first-developed.lock")):
        if not tree.root.exists():
            take_sysroot(copy_tree(tree.root, tree.cache), first).build("profile=dev", "hello-rs", "hello-std")
    return tree


@pytest.fixture(scope="session")
def shared_cache(first: Tree) -> Path:
    """An action cache that holds all programs."""
    return first.root.with_name("action-cache")


@pytest.fixture
def user_environment(shared_cache: Path, tmp_path: Path) -> dict[str, str]:
    """A user whose `ostoo` is this one, and whose cache has std."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    words = shlex.join([sys.executable, "-P", "-m", "ostoo_build.cli"])
    (scripts / "ostoo").write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT}/site_scons exec {words} "$@"\n')
    (scripts / "ostoo").chmod(0o755)
    (tmp_path / "user").mkdir()
    (tmp_path / "user/ostoo-build").symlink_to(shared_cache)
    path = f"{scripts}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / "user")}


@pytest.fixture
def tree(tmp_path: Path, shared_cache: Path) -> Tree:
    """A checkout that is not built yet; most of what it needs is in the cache."""
    return copy_tree(tmp_path / "checkout", str(shared_cache))


@pytest.fixture
def built(tree: Tree) -> Tree:
    """A checkout with all programs built."""
    tree.build()
    return tree
