from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest, stamps
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.reapi import merkle, package_digest
from ostoo_build.reapi.package_digest import TreeMemo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ("Cargo.toml", "b c.txt", "src/lib.rs", "src/target/kept.rs")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    for name in (*NAMES, "src/.hidden.rs", "nested/Cargo.toml", "nested/src/lib.rs"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def turn_file(package: Path) -> None:
    turn(package / "src/link.rs", "../b c.txt")


def turn_folder(package: Path) -> None:
    turn(package / "folder", "../nested")


def turn(link: Path, goal: str) -> None:
    link.unlink()
    link.symlink_to(goal)


@pytest.mark.parametrize("change", [turn_file, turn_folder])
def test_a_link_that_is_turned_is_another_file(change: Callable[[Path], None], package: Path, tmp_path: Path) -> None:
    (package / "src/link.rs").symlink_to("lib.rs")
    (package / "folder").symlink_to("src")
    memo = TreeMemo(tmp_path / "trees.json")
    before = memo.files("p", package)
    change(package)
    assert memo.files("p", package) != before
    assert memo.files("p", package) == TreeMemo(tmp_path / "none").files("p", package)


def edit(package: Path) -> None:
    (package / "src/lib.rs").write_text("src/lib.RS")


def rename(package: Path) -> None:
    (package / "src/lib.rs").rename(package / "src/main.rs")


def add(package: Path) -> None:
    (package / "src/empty.rs").touch()


def remove(package: Path) -> None:
    (package / "src/lib.rs").unlink()


@pytest.mark.parametrize("change", [edit, rename, add, remove])
def test_each_change_of_a_tree_changes_its_digest(
    change: Callable[[Path], None], package: Path, tmp_path: Path
) -> None:
    memo = TreeMemo(tmp_path / "trees.json")
    before = memo.input("p", package)
    change(package)
    assert memo.input("p", package) != before


def test_a_package_is_the_folder_of_its_files(package: Path, tmp_path: Path) -> None:
    whole = merkle.tree(Input(name, digest.of_bytes(name.encode()), len(name)) for name in NAMES).root
    memo = TreeMemo(tmp_path / "trees.json")
    for path in ("@{cargo-home}/registry/src/a-1.0", "user-rs/a"):
        assert memo.input(path, package) == Input(path, whole.sha256, whole.size, is_folder=True)


def test_equal_trees_have_equal_digests(package: Path, tmp_path: Path) -> None:
    memo = TreeMemo(tmp_path / "trees.json")
    before = memo.input("p", package)
    package.rename(tmp_path / "elsewhere")
    assert memo.input("p", tmp_path / "elsewhere") == before


def test_an_unchanged_tree_is_not_hashed_again(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time_ns() + 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    memo = TreeMemo(tmp_path / "build/trees.json")
    known = memo.input("p", package)
    memo.save()
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is hashed again"))
    assert TreeMemo(tmp_path / "build/trees.json").input("p", package) == known


@pytest.mark.parametrize(("is_settled", "remembered"), [(False, set()), (True, {"trees.json"})])
def test_what_was_just_changed_may_change_unnoticed(
    *, is_settled: bool, remembered: set[str], package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "is_settled", lambda _stamp: is_settled)
    folder = package.parent / "memos"
    memo = TreeMemo(folder / "trees.json")
    memo.input("p", package)
    memo.save()
    assert {path.name for path in folder.glob("*")} == remembered


DAMAGED = [
    b"",
    b"[]",
    b'{"/a": []}',
    b"\xff",
    b'{"/a": 1}',
]


@pytest.mark.parametrize("memo", DAMAGED)
def test_a_damaged_memo_costs_time_only(memo: bytes, package: Path, tmp_path: Path) -> None:
    (tmp_path / "trees.json").write_bytes(memo)
    made = TreeMemo(tmp_path / "none").input("p", package)
    assert TreeMemo(tmp_path / "trees.json").input("p", package) == made


def test_each_file_is_an_input_below_the_packages_path(package: Path, tmp_path: Path) -> None:
    memo = TreeMemo(tmp_path / "trees.json")
    (package / "src/lib.rs").chmod(0o755)
    alone = {entry.path: entry for entry in package_digest.inputs_of(package)}
    assert set(alone) == set(NAMES)
    assert alone["src/lib.rs"] == Input("src/lib.rs", digest.of_bytes(b"src/lib.rs"), 10, executable=True)
    assert memo.files(".", package) == tuple(alone[name] for name in NAMES)
    assert [entry.path for entry in memo.files("user-rs/a", package)] == [f"user-rs/a/{name}" for name in NAMES]


def test_a_whole_package_and_its_files_are_not_taken_for_each_other(package: Path, tmp_path: Path) -> None:
    memo = TreeMemo(tmp_path / "trees.json")
    whole = memo.input("p", package)
    assert memo.files("p", package) != (whole,)
    assert memo.input("p", package) == whole


def test_a_name_that_no_key_can_hold_is_refused(package: Path, tmp_path: Path) -> None:
    (package / "src/@{root}.rs").touch()
    with pytest.raises(OstooError, match="a file name contains"):
        TreeMemo(tmp_path / "trees.json").input("p", package)


def test_what_changes_while_it_is_hashed_is_not_remembered(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "is_settled", lambda _stamp: True)
    hashed = digest.of_file

    def edit_too(path: Path) -> str:
        found = hashed(path)
        (package / "src/lib.rs").write_text("edited while it was hashed")
        return found

    memo = TreeMemo(tmp_path / "trees.json")
    monkeypatch.setattr(digest, "of_file", edit_too)
    memo.input("p", package)
    memo.save()
    assert not (tmp_path / "trees.json").exists()


@pytest.mark.parametrize("change", [edit, rename, add, remove])
def test_a_change_of_a_package_that_was_remembered_is_seen(
    change: Callable[[Path], None], package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what has settled is remembered at all."""
    time.sleep(2 * stamps.TICK / 1e9)
    memo = TreeMemo(tmp_path / "trees.json")
    before, whole = memo.files("p", package), memo.input("p", package)
    with monkeypatch.context() as patch:
        patch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is hashed again"))
        assert memo.files("p", package) == before
        assert memo.input("p", package) == whole
    memo.save()
    change(package)
    now = TreeMemo(tmp_path / "none")
    for known in (memo, TreeMemo(tmp_path / "trees.json")):
        assert known.files("p", package) == now.files("p", package) != before
        assert known.input("p", package) == now.input("p", package) != whole


@pytest.mark.parametrize("late", range(len(NAMES)))
def test_a_package_of_which_one_file_was_just_written_is_not_remembered(
    late: int, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def is_settled(_stamp: stamps.Stamp) -> bool:
        seen.append(1)
        return len(seen) != late + 1

    monkeypatch.setattr(stamps, "is_settled", is_settled)
    memo = TreeMemo(tmp_path / "trees.json")
    memo.files("p", package)
    memo.save()
    assert not (tmp_path / "trees.json").exists()
