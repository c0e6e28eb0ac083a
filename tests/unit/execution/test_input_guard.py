from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.execution.input_guard import InputGuard
from ostoo_build.reapi import merkle, package_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOUR = 3600 * 10**9


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "checkout"
    (found / "package/src").mkdir(parents=True)
    (found / "package/Cargo.toml").write_text("[package]")
    (found / "package/src/lib.rs").write_text("fn one() {}")
    (found / "library").write_text("library")
    return found


@pytest.fixture
def inputs(root: Path) -> list[Input]:
    paths = PathMap((("root", root),))
    tree = merkle.tree(package_digest.inputs_of(root / "package")).root
    return [paths.input(root / "library"), tree._replace(path="package")]


def guard(root: Path, *tools: Path, since: int = 0) -> InputGuard:
    return InputGuard(PathMap((("root", root),)), since or time.time_ns(), tools)


def test_what_is_as_it_was_passes(root: Path, inputs: list[Input]) -> None:
    guard(root).check(inputs)


def swap(root: Path) -> None:
    """Keep size and mtime, as a careful liar would."""
    path = root / "library"
    before = path.stat()
    path.write_text("LIBRARY")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: list[Callable[[Path], object]] = [
    lambda root: (root / "library").write_text("another"),
    swap,
    lambda root: (root / "library").unlink(),
    lambda root: (root / "package/src/lib.rs").write_text("fn two() {}"),
    lambda root: (root / "package/src/lib.rs").unlink(),
    lambda root: (root / "package/src/new.rs").write_text(""),
    lambda root: (root / "package/src/lib.rs").rename(root / "package/src/main.rs"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_told(change: Callable[[Path], object], root: Path, inputs: list[Input]) -> None:
    change(root)
    with pytest.raises(OstooError, match="changed while it was being used") as caught:
        guard(root).check(inputs)
    assert caught.value.remedy == "run the build again"


def test_a_touched_file_is_none_the_worse(root: Path, inputs: list[Input]) -> None:
    os.utime(root / "library")
    (root / "package/.hidden").write_text("")
    guard(root).check(inputs)


def test_what_was_not_touched_is_not_read(root: Path, inputs: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is read"))
    guard(root, since=time.time_ns() + HOUR).check(inputs)


def test_what_was_observed_is_not_read_again(root: Path, inputs: list[Input], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = guard(root)
    found = seen.observe(root / "library")
    assert found.sha256 == inputs[0].sha256
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is read"))
    seen.check(inputs[:1])


def test_what_changed_after_it_was_observed_is_told(root: Path, inputs: list[Input]) -> None:
    seen = guard(root)
    seen.observe(root / "library")
    swap(root)
    with pytest.raises(OstooError, match="library changed"):
        seen.check(inputs[:1])


def put_back(path: Path) -> None:
    """Edit a file in place for a moment."""
    content = path.read_text()
    path.write_text(content.upper())
    path.write_text(content)


def turn_and_turn_back(root: Path) -> None:
    for goal in ("other", "library"):
        (root / "link").unlink()
        (root / "link").symlink_to(goal)


def add_and_take_away(root: Path) -> None:
    (root / "package/src/new.rs").touch()
    (root / "package/src/new.rs").unlink()


def replace_and_put_back(root: Path) -> None:
    (root / "library").rename(root / "aside")
    (root / "library").write_text("LIBRARY")
    (root / "aside").rename(root / "library")


MOMENTS: list[Callable[[Path], object]] = [
    lambda root: put_back(root / "library"),
    lambda root: put_back(root / "package/src/lib.rs"),
    add_and_take_away,
    lambda root: os.utime(root / "library"),
    replace_and_put_back,
    turn_and_turn_back,
    lambda root: (root / "library").unlink(),
]


@pytest.mark.parametrize("edit", MOMENTS)
def test_whatever_was_edited_for_a_moment_is_told(edit: Callable[[Path], object], root: Path) -> None:
    (root / "link").symlink_to("library")
    paths, seen = PathMap((("root", root),)), guard(root)
    inputs = [paths.input(root / "link"), paths.input(root / "library"), Input("package", "0" * 64, 1, is_folder=True)]
    before = seen.stamps(inputs)
    assert seen.touched(before) == frozenset()
    edit(root)
    assert seen.touched(before)


def test_what_builds_make_may_be_put_in_place_again(root: Path) -> None:
    seen = guard(root)
    assert (
        seen.stamps([Input(name, "0" * 64, 1) for name in ("build/a", "sysroot/x/lib/libc.a", "@{rust-src}/a")]) == {}
    )


def test_a_toolchain_that_is_replaced_is_told(root: Path, tmp_path: Path) -> None:
    rustc = tmp_path / "rustc"
    rustc.write_text("1.96")
    seen = guard(root, rustc)
    seen.check(())
    rustc.write_text("1.97")
    with pytest.raises(OstooError, match="the toolchain changed"):
        seen.check(())


def test_a_toolchain_that_goes_away_is_told_in_the_same_words_to_all(root: Path, tmp_path: Path) -> None:
    tools = [tmp_path / "rustc", tmp_path / "library"]
    for tool in tools:
        tool.write_text("1.96")
    seen = guard(root, *tools)
    seen.check_tools()
    told = set()
    for tool in tools[::-1]:
        tool.unlink()
        with pytest.raises(OstooError) as caught:
            seen.check_tools()
        told.add(str(caught.value))
    assert told == {"error: the toolchain changed, or was removed, during the build\n  help: run the build again"}
