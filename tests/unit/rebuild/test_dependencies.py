"""What a build depends on, field by field: a change of what any of them names is seen by all who trust them."""

from __future__ import annotations

import os
from os import scandir
from typing import TYPE_CHECKING, Any

import planned_trees
import planners
import pytest
from msgspec import structs

from ostoo_build.base import own_files, stamps
from ostoo_build.base.paths import PathMap
from ostoo_build.rebuild import dependencies, null_build_note
from ostoo_build.rebuild.dependencies import Dependencies, Observed
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ostoo_build.base.stamps import Tree


TREES = ("checkout", "code", "toolchain", "crates")
MADE_OF, SEEN = ([*each.__struct_fields__] for each in (Dependencies, Observed))
ASKED = ("3", "python", ["a"], b"")


@pytest.fixture
def stands_on(tmp_path: Path) -> tuple[Dependencies, Observed]:
    """What depends on a file for each field, and on nothing else."""
    for name in (*MADE_OF, *SEEN):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    trees = {name: ((str(tmp_path / name), ["skipped"]),) for name in TREES}
    places = {name: (str(tmp_path / name / "file"),) for name in (*MADE_OF, *SEEN) if name not in TREES}
    made_of = Dependencies(**{name: {**trees, **places}[name] for name in MADE_OF})  # type: ignore[arg-type]  # by name
    return made_of, Observed(**{name: places[name] for name in SEEN})


@pytest.mark.parametrize("name", [*MADE_OF, *SEEN])
def test_a_note_stands_on_each_field(name: str, stands_on: tuple[Dependencies, Observed], tmp_path: Path) -> None:
    made_of, seen = stands_on
    note = null_build_note.note(made_of, lambda _: seen, {}, ASKED, ["a"])
    (tmp_path / name / "skipped").write_text("")
    (tmp_path / "unrelated").write_text("")
    assert note.answers(ASKED)
    (tmp_path / name / "file").write_text("edited")
    assert not note.answers(ASKED)


def walked(trees: list[Tree]) -> set[str]:
    return StampSet.of(trees, ()).walked()


def test_a_note_is_written_of_one_walk(
    stands_on: tuple[Dependencies, Observed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[str] = []
    told: list[str] = []
    made_of, seen = stands_on

    def look(folder: str) -> Any:
        folders.append(folder)
        return scandir(folder)

    def observe(names: Collection[str]) -> Observed:
        told.extend(names)
        return seen

    monkeypatch.setattr(os, "scandir", look)
    null_build_note.note(made_of, observe, {}, ASKED, ["a"])
    assert sorted(folders) == sorted(str(tmp_path / name) for name in TREES)
    assert sorted(told) == sorted(str(tmp_path / name / "file") for name in TREES)


READ = (
    "user-rs/a/src/main.rs",
    "user-rs/a/src/target/mod.rs",
    "user-rs/a/target/told",
    "user-rs/a/.hidden",
    "user-rs/a/link/behind.rs",
    "user-rs/a/__pycache__/data",
    "sysroot/mine/told",
    ".git/HEAD",
    "absent",
)


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("top", ["checkout", "site_scons/checkout", ".hidden/checkout"])
def test_an_input_that_a_walk_does_not_come_by_is_looked_at_by_its_name(name: str, top: str, tmp_path: Path) -> None:
    root = tmp_path / top
    for each in (*READ[:-1], "user-rs/a/src/target/CACHEDIR.TAG", "user-rs/a/target/CACHEDIR.TAG"):
        path = root / each.replace("link", "goal")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    (root / "user-rs/a/link").symlink_to("goal")
    paths = PathMap((("root", root), ("cargo-home", tmp_path / "cargo")))
    planner = planners.without_compiler(root, paths=paths)
    trees = [dependencies.checkout_tree(root, paths)]
    places = sorted(map(str, dependencies.off_the_trees(planner, set(READ), walked(trees))))
    before = StampSet.of(trees, places)
    assert before.change() is None
    (root / name).write_text("two, and longer")
    assert before.change() is not None


@pytest.mark.parametrize(
    ("place", "is_walked"),
    [
        ("os/site_scons", True),
        ("os/tools/deep", True),
        ("os/.venv/lib/site-packages", False),
        ("elsewhere/site-packages", False),
        ("os-other/site_scons", False),
    ],
)
def test_code_that_is_installed_is_a_tree_of_its_own(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_walked: bool
) -> None:
    code = tuple(tmp_path / place / name for name in ("ostoo_build", "ostoo_scons"))
    monkeypatch.setattr(own_files, "CODE", code)
    assert dependencies.code_elsewhere(tmp_path / "os") == ([] if is_walked else [*code])


def test_what_lies_behind_links_in_a_crate_from_elsewhere_is_looked_at(tmp_path: Path) -> None:
    crate, shared = tmp_path / "crate", tmp_path / "shared"
    for path in (crate / "src/lib.rs", shared / "deep/mod.rs", tmp_path / "os/sysroot/a"):
        path.parent.mkdir(parents=True)
        path.write_text("one")
    (crate / "src/shared").symlink_to(shared)
    paths = PathMap((("root", tmp_path / "os"), ("cargo-home", tmp_path / "cargo")))
    planner = planners.without_compiler(tmp_path / "os", paths=paths)
    unit = planned_trees.planned(tmp_path / "planned", "hello-rs").unit
    planner.units["a"] = structs.replace(unit, package=str(crate))
    trees: list[Tree] = [(folder, []) for folder in dependencies.crate_folders(planner)]
    places = sorted(map(str, dependencies.off_the_trees(planner, set(), walked(trees))))
    for change in (lambda: (shared / "deep/mod.rs").write_text("two"), (shared / "deep/new.rs").touch):
        before = StampSet.of(trees, places)
        change()
        assert before.change() is not None


def test_a_tree_that_was_scanned_before_is_not_walked_again(
    stands_on: tuple[Dependencies, Observed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the note has the earlier stamps: those of what was hashed."""
    made_of, seen = stands_on
    top = made_of.toolchain[0][0]
    before = stamps.of_tree(made_of.toolchain[0])
    (tmp_path / next(iter(before))).write_text("edited since then")
    monkeypatch.setattr(os, "scandir", lambda folder: scandir(folder) if folder != top else pytest.fail("again"))
    note = null_build_note.note(made_of, lambda _: seen, {top: before}, ASKED, ["a"])
    monkeypatch.undo()
    assert note.stamps.entries[made_of.trees.index(made_of.toolchain[0])] == before
    assert note.stamps.change() == next(iter(before))
