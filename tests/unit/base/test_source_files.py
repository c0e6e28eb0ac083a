from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import source_files

if TYPE_CHECKING:
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


def test_a_copy_is_whole_and_has_its_mode(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"one")
    for mode in (0o755, 0o644):
        source_files.copy_whole(tmp_path / "source", tmp_path / "new/copy", mode)
        assert (tmp_path / "new/copy").read_bytes() == b"one"
        assert (tmp_path / "new/copy").stat().st_mode & 0o777 == mode
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["copy"]


def test_a_copy_that_fails_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("source", "copy"):
        (tmp_path / name).write_text(name)

    def half(_source: Path, target: Path) -> None:
        target.write_text("sou")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", half)
    with pytest.raises(OSError, match="No space left") as caught:
        source_files.copy_whole(tmp_path / "source", tmp_path / "copy", 0o755)
    assert caught.value.filename == str(tmp_path / "copy")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"source": "source", "copy": "copy"}
