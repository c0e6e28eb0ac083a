from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.read_set import ReadSet
from ostoo_build.base.snapshot import Snapshot

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
    (tree / "by-link").symlink_to("../goals/one")
    (tree / "sub").mkdir()
    for goal in ("one", "other"):
        (tmp_path / "goals" / goal).mkdir(parents=True)
        (tmp_path / "goals" / goal / "in").write_text("equal")
    contents = [tree / "file", tree / "empty", tree, tmp_path / "absent", tree / "by-link/in"]
    places = [tree / "place", tree / "nothing", tree / "linked-place", tree / "by-link"]
    places[0].write_text("is not read")
    places[2].symlink_to("place")
    return ReadSet.of(contents, places, tmp_path, Snapshot())


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


def turn_link(folder: Path) -> None:
    """What is behind it is equal."""
    (folder / "tree/by-link").unlink()
    (folder / "tree/by-link").symlink_to("../goals/other")


def turn_link_of_a_file(folder: Path) -> None:
    (folder / "tree/linked-place").unlink()
    (folder / "tree/linked-place").symlink_to("file")


def link_in_place_of_a_file(folder: Path) -> None:
    (folder / "tree/place").rename(folder / "tree/sub/place")
    (folder / "tree/place").symlink_to("sub/place")


def make_a_folder_of_a_place(folder: Path) -> None:
    (folder / "tree/place").unlink()
    (folder / "tree/place").mkdir()


def appear_at_a_place(folder: Path) -> None:
    (folder / "tree/nothing").touch()


LINKS = [turn_link, turn_link_of_a_file, link_in_place_of_a_file, make_a_folder_of_a_place, appear_at_a_place]


@pytest.mark.parametrize("part", ["both", "places"])
@pytest.mark.parametrize("change", LINKS)
def test_a_place_is_where_it_leads(change: Callable[[Path], None], part: str, seen: ReadSet, tmp_path: Path) -> None:
    known = seen if part == "both" else ReadSet({}, seen.places)
    assert known.is_current(tmp_path, Snapshot())
    change(tmp_path)
    assert not known.is_current(tmp_path, Snapshot())


def test_what_is_in_a_place_does_not_count(seen: ReadSet, tmp_path: Path) -> None:
    (tmp_path / "tree/place").write_text("other")
    assert seen.is_current(tmp_path, Snapshot())


@pytest.mark.parametrize("change", [edit, remove, replace_by_folder, add_beside, appear, vanish])
def test_each_change_is_seen(change: Callable[[Path], None], seen: ReadSet, tmp_path: Path) -> None:
    assert seen.is_current(tmp_path, Snapshot())
    change(tmp_path)
    assert not seen.is_current(tmp_path, Snapshot())


def test_an_equal_tree_elsewhere_is_as_good(seen: ReadSet, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "tree").rename(tmp_path / "other/tree")
    (tmp_path / "goals").rename(tmp_path / "other/goals")
    assert seen.is_current(tmp_path / "other", Snapshot())
    assert not seen.is_current(tmp_path, Snapshot())


def test_what_was_not_read_does_not_count(seen: ReadSet, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    (tmp_path / "tree/file").touch()
    assert ReadSet(seen.contents, seen.places).is_current(tmp_path, Snapshot())
