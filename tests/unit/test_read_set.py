from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.look import Look
from ostoo_build.read_set import ReadSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def seen(tmp_path: Path) -> ReadSet:
    """What was read in the folder `tree`: a file, the folder's names, and that something is not there."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("one")
    (tree / "empty").touch()
    return ReadSet.of([tree / "file", tree / "empty", tree, tmp_path / "absent"], tmp_path, Look())


def edit(folder: Path) -> None:
    (folder / "tree/file").write_text("two")


def remove(folder: Path) -> None:
    (folder / "tree/file").unlink()


def replace_by_folder(folder: Path) -> None:
    remove(folder)
    (folder / "tree/file").mkdir()


def add_beside(folder: Path) -> None:
    (folder / "tree/new").touch()


def appear(folder: Path) -> None:
    (folder / "absent").touch()


def vanish(folder: Path) -> None:
    (folder / "tree/empty").unlink()
    (folder / "tree/empty").symlink_to("nowhere")


@pytest.mark.parametrize("change", [edit, remove, replace_by_folder, add_beside, appear, vanish])
def test_each_change_is_seen(change: Callable[[Path], None], seen: ReadSet, tmp_path: Path) -> None:
    assert seen.is_current(tmp_path, Look())
    change(tmp_path)
    assert not seen.is_current(tmp_path, Look())


def test_an_equal_tree_elsewhere_is_as_good(seen: ReadSet, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "tree").rename(tmp_path / "other/tree")
    assert seen.is_current(tmp_path / "other", Look())
    assert not seen.is_current(tmp_path, Look())


def test_what_was_not_read_does_not_count(seen: ReadSet, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    (tmp_path / "tree/file").touch()
    assert ReadSet(seen.digests).is_current(tmp_path, Look())
