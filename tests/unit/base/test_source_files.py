from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest, source_files, stamps
from ostoo_build.base.input import Input
from ostoo_build.reapi import merkle
from ostoo_build.reapi.package_digest import TreeMemo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    for name in (
        "Cargo.toml",
        "src/lib.rs",
        "src/target/kept.rs",
        "src/.hidden.rs",
        ".git/config",
        "target/debug/out",
        "target/CACHEDIR.TAG",
        "nested/Cargo.toml",
        "nested/src/lib.rs",
        "b c.txt",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_a_packages_files_are_its_own(package: Path) -> None:
    names = [str(path.relative_to(package)) for path in source_files.package_files(package)]
    assert names == ["Cargo.toml", "b c.txt", "src/lib.rs", "src/target/kept.rs"]


def test_a_folder_called_target_that_is_not_cargos_is_the_packages(package: Path) -> None:
    (package / "target/CACHEDIR.TAG").unlink()
    assert package / "target/debug/out" in source_files.package_files(package)


def test_a_link_is_what_it_leads_to(package: Path) -> None:
    elsewhere = package.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "more.rs").write_text("")
    for name, goal in (("round", package), ("self", "self"), ("broken", "nowhere"), ("link.rs", "lib.rs")):
        (package / "src" / name).symlink_to(goal)
    (package / "src/folder").symlink_to(elsewhere)
    (package / "src/twice").symlink_to("target")
    names = [str(path.relative_to(package / "src")) for path in source_files.package_files(package)[2:]]
    assert names == ["folder/more.rs", "lib.rs", "link.rs", "target/kept.rs", "twice/kept.rs"]


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
    names = ("Cargo.toml", "b c.txt", "src/lib.rs", "src/target/kept.rs")
    whole = merkle.tree(Input(name, digest.of_bytes(name.encode()), len(name)) for name in names).root
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


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "new/file"
    source_files.write_atomically(path, b"one")
    source_files.write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file"]  # noqa: PTH208 - names are enough


def test_a_write_that_fails_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")

    def full(_old: Path, _new: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        source_files.write_atomically(path, b"two")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"file": b"one"}


def test_declared_inputs_are_relative_to_the_package(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "c.txt"):
        (tmp_path / "art" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "art" / name).touch()
    found = source_files.expand_inputs(tmp_path / "package", ["../art/*.png", "../missing.txt"])
    assert found == [tmp_path / "art/a.png", tmp_path / "art/b.png", tmp_path / "missing.txt"]


def test_an_output_takes_the_place_of_whatever_lies_there(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    source_files.write_output(tmp_path / "a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one"


def test_a_file_of_the_users_never_takes_a_folders_place(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        source_files.write_atomically(tmp_path / "a", b"one")
    assert (tmp_path / "a/b").is_dir()
