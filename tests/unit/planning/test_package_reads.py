from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.base.read_set import ReadSet
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import package_places
from ostoo_build.planning.package_reads import PackageReads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("cat", "echo")


@pytest.fixture
def began(tmp_path: Path) -> int:
    """Packages, and the time after they were written."""
    for name in NAMES:
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "Cargo.toml").write_text(f'[package]\nname = "{name}"\n')
        (tmp_path / name / "src/main.rs").write_text("fn main() {}\n")
    time.sleep(0.05)
    return time.time_ns()


def manifests(folder: Path) -> list[Path]:
    return [folder / name / "Cargo.toml" for name in NAMES]


def sources(folder: Path) -> list[Path]:
    return [folder / name / "src/main.rs" for name in NAMES]


def planned(folder: Path, began: int) -> PackageReads:
    """Read all packages, as cargo does, and return what compares them later."""
    before = Snapshot()
    contents = [place for path in manifests(folder) for place in package_places.of_package(path, folder)]
    known = ReadSet.of(contents, sources(folder), folder, before)
    return PackageReads(folder, before, began, {*known.contents, *known.places})


def test_packages_that_did_not_change_are_what_was_read(tmp_path: Path, began: int) -> None:
    found = planned(tmp_path, began).of(manifests(tmp_path), sources(tmp_path))
    assert found is not None
    assert found.is_current(tmp_path, Snapshot())
    assert {"cat", "cat/Cargo.toml", "cat/src", "echo/Cargo.toml"} <= found.contents.keys()
    assert found.places == {"cat/src/main.rs": "file", "echo/src/main.rs": "file"}


def test_a_program_gets_what_was_read_of_its_own_packages(tmp_path: Path, began: int) -> None:
    found = planned(tmp_path, began).of(manifests(tmp_path)[:1], sources(tmp_path)[:1])
    assert found is not None
    assert not any(name.startswith("echo") for name in (*found.contents, *found.places))


def test_a_manifest_that_changed_meanwhile_is_refused(tmp_path: Path, began: int) -> None:
    reads = planned(tmp_path, began)
    (tmp_path / "cat/Cargo.toml").write_text('[package]\nname = "other"\n')
    with pytest.raises(OstooError, match=r"cat/Cargo\.toml"):
        reads.of(manifests(tmp_path), ())


@pytest.mark.parametrize("name", ["cat/build.rs", "cat/src/lib.rs"])
def test_a_file_that_appears_meanwhile_leaves_no_answer_of_its_package(tmp_path: Path, began: int, name: str) -> None:
    reads = planned(tmp_path, began)
    (tmp_path / name).write_text("")
    assert reads.of(manifests(tmp_path), ()) is None
    assert reads.of(manifests(tmp_path)[1:], ()) is not None


def test_a_root_file_that_goes_meanwhile_leaves_no_answer(tmp_path: Path, began: int) -> None:
    reads = planned(tmp_path, began)
    sources(tmp_path)[0].unlink()
    assert reads.of((), sources(tmp_path)) is None


def test_all_programs_share_one_look_at_a_package(tmp_path: Path, began: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, looked = planned(tmp_path, began), list[str]()
    look = package_places.of_package

    def counted(path: Path, workspace: Path) -> Iterator[Path]:
        looked.append(path.parent.name)
        return look(path, workspace)

    monkeypatch.setattr(package_places, "of_package", counted)
    for _ in range(3):
        reads.of(manifests(tmp_path), sources(tmp_path))
    assert looked == [*NAMES]
