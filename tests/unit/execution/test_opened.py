from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ostoo_build.execution import opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ("read", "unread", "in/read", "in/unread", "in/two lines\n", "in/é")


READS = "import sys; open(sys.argv[1]).read()"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in NAMES]
    for path in found:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    return found


@pytest.mark.parametrize("name", [*NAMES, "in/../read"], ids=ascii)
def test_whatever_another_process_opens_is_told(name: str, files: list[Path], tmp_path: Path) -> None:
    with opened.watched(files) as found:
        subprocess.run([sys.executable, "-S", "-c", READS, str(tmp_path / name)], check=True)
    assert found.is_known
    assert found.files == {tmp_path / name.removeprefix("in/../")}


def test_what_is_asked_for_without_being_opened_is_not_told(files: list[Path]) -> None:
    with opened.watched(files) as found:
        assert all(path.stat().st_size == 1 for path in files)
        assert list(files[0].parent.iterdir())
    assert found.is_known
    assert not found.files & set(files)


@pytest.mark.parametrize("name", ["linked", "in/unread", "folder/unread", "elsewhere"])
def test_what_links_lead_to_is_opened_by_each_of_its_names(name: str, files: list[Path], tmp_path: Path) -> None:
    package = tmp_path / "in"
    (tmp_path / "linked").symlink_to("in/unread")
    (tmp_path / "folder").symlink_to("in")
    (package / "outside").symlink_to(tmp_path / "unread")
    (tmp_path / "elsewhere").symlink_to("in/outside")
    with opened.watched([*files[2:], package / "outside", tmp_path / "folder/unread"]) as found:
        (tmp_path / name).read_text()
    unread = {package / "unread", tmp_path / "folder/unread"}
    assert found.files == ({package / "outside"} if name == "elsewhere" else unread)


def test_what_has_several_names_counts_as_opened(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "second").hardlink_to(files[2])
    with opened.watched(files) as found:
        (tmp_path / "second").read_text()
    assert found.files == {files[2]}


@pytest.mark.parametrize(
    "happens",
    [
        lambda files: shutil.rmtree(files[2].parent),
        lambda files: [files[0].open().close() or files[1].open().close() for _ in range(20_000)],
    ],
)
def test_where_not_all_was_told_it_says_so(happens: Callable[[list[Path]], object], files: list[Path]) -> None:
    with opened.watched(files) as found:
        happens(files)
    assert not found.is_known


def test_a_folder_that_is_not_there_is_not_watched(files: list[Path], tmp_path: Path) -> None:
    with opened.watched([*files, tmp_path / "gone/file"]) as found:
        pass
    assert not found.is_known
