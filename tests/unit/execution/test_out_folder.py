from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.execution import out_folder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a").write_text("a")
    source = tmp_path / "package"
    (source / "deep").mkdir(parents=True)
    (source / "b").write_text("b")
    (source / "deep/c").write_text("c")
    return folder


def seen(folder: Path) -> dict[str, str]:
    """What lies there, without following links: contents, or what else it is."""
    found = {}
    for path in folder.rglob("*"):
        is_file = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(folder))] = path.read_text() if is_file else "folder" if path.is_dir() else "odd"
    return found


PLAIN = {"sub": "folder", "sub/a": "a"}
LINKS: dict[str, tuple[str, dict[str, str]]] = {
    "to a file beside": ("sub/a", {"link": "a"}),
    "to a source": ("../package/b", {"link": "b"}),
    "to a folder beside": ("sub", {"link": "folder", "link/a": "a"}),
    "to a folder of sources": (
        "../package",
        {"link": "folder", "link/b": "b", "link/deep": "folder", "link/deep/c": "c"},
    ),
    "to nowhere": ("nowhere", {}),
    "to itself": ("link", {}),
    "to the folder it lies in": (".", {}),
    "to the folder above": ("..", {}),
}


@pytest.mark.parametrize("goal", LINKS)
def test_a_link_becomes_what_it_leads_to(goal: str, out: Path) -> None:
    target, expected = LINKS[goal]
    (out / "link").symlink_to(target)
    out_folder.settle(out)
    assert seen(out) == {**PLAIN, **expected}
    assert not any(path.is_symlink() for path in out.rglob("*"))


LEADS = {"to a source": ["package/b"], "to a folder of sources": ["package"]}


@pytest.mark.parametrize("goal", LINKS)
def test_where_links_led_that_left_the_folder_is_told(goal: str, out: Path) -> None:
    (out / "link").symlink_to(LINKS[goal][0])
    found = [os.path.relpath(os.path.realpath(path), out.parent) for path in out_folder.settle(out)]
    assert found == LEADS.get(goal, [])


def test_a_link_that_led_out_is_told_by_the_name_that_it_has(out: Path) -> None:
    (out.parent / "alias").symlink_to("package")
    (out / "sub/link").symlink_to("../../alias/deep")
    (out / "absolute").symlink_to(out.parent / "alias/b")
    assert sorted(out_folder.settle(out)) == sorted([f"{out}/sub/../../alias/deep", f"{out.parent}/alias/b"])


def test_links_that_lead_into_each_other_come_to_an_end(out: Path) -> None:
    (out / "other").mkdir()
    (out / "other/back").symlink_to("../sub")
    (out / "sub/there").symlink_to("../other")
    out_folder.settle(out)
    assert not any(path.is_symlink() for path in out.rglob("*"))
    assert (out / "other/back/a").read_text() == (out / "sub/a").read_text() == "a"


def bind(path: Path) -> None:
    """Make a socket; its path may be longer than such a name can be."""
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize("make", [os.mkfifo, bind])
def test_what_no_cache_can_keep_is_taken_away(make: Callable[[Path], None], out: Path) -> None:
    make(out / "odd")
    out_folder.settle(out)
    assert seen(out) == PLAIN


@pytest.mark.parametrize(("mode", "settled"), [(0o600, 0o644), (0o444, 0o644), (0o500, 0o755), (0o777, 0o755)])
def test_a_mode_says_no_more_than_whether_a_file_is_run(mode: int, settled: int, out: Path) -> None:
    (out / "sub/a").chmod(mode)
    (out / "sub").chmod(0o555)
    out_folder.settle(out)
    assert stat.S_IMODE((out / "sub/a").stat().st_mode) == settled
    assert stat.S_IMODE((out / "sub").stat().st_mode) == 0o755


def test_a_source_that_has_a_name_among_the_outputs_stays_as_it_is(out: Path) -> None:
    source = out.parent / "package/b"
    source.chmod(0o600)
    (out / "b").hardlink_to(source)
    out_folder.settle(out)
    assert stat.S_IMODE(source.stat().st_mode) == 0o600
    assert not (out / "b").samefile(source)
    assert (out / "b").read_text() == "b"


def test_folders_in_which_nothing_lies_are_found(out: Path) -> None:
    (out / "x/y").mkdir(parents=True)
    assert list(out_folder.empty_folders(out)) == [out / "x/y"]
    (out / "sub/a").unlink()
    assert sorted(out_folder.empty_folders(out)) == [out / "sub", out / "x/y"]
