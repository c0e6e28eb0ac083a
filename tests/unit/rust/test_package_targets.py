"""That cargo finds the same is proved in tests/e2e/test_package_targets_real.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ostoo_build.rust import package_targets

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("src/lib.rs", "src/main.rs", "src/bin/one.rs", "src/bin/two/main.rs", "tests/t.rs", "examples/e/main.rs")
HIDDEN = ("src/bin/.three.rs", "src/bin/four/lib.rs", "tests/data.txt", "benches/b/other.rs")
FOUND = {("lib", "my_pkg"), ("bin", "my-pkg"), ("bin", "one"), ("bin", "two"), ("test", "t"), ("example", "e")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*FILES, *HIDDEN):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def targets(folder: Path, document: dict[str, Any] | None = None, **fields: Any) -> set[tuple[str, str]]:
    found = package_targets.of_package(document or {}, {"name": "my-pkg", "edition": "2021", **fields}, folder)
    assert len(set(found)) == len(found)
    return set(found)


def test_targets_are_found_by_their_files(folder: Path) -> None:
    assert targets(folder) == FOUND


@pytest.mark.parametrize(
    ("key", "lost"),
    [
        ("autolib", {("lib", "my_pkg")}),
        ("autobins", {("bin", "my-pkg"), ("bin", "one"), ("bin", "two")}),
        ("autotests", {("test", "t")}),
        ("autoexamples", {("example", "e")}),
    ],
)
def test_a_search_can_be_switched_off(key: str, lost: set[tuple[str, str]], folder: Path) -> None:
    off: dict[str, Any] = {key: False}
    assert targets(folder, **off) == FOUND - lost


@pytest.mark.parametrize(
    ("table", "kinds"),
    [
        ({}, {("lib", "my_pkg")}),
        ({"name": "other"}, {("lib", "other")}),
        ({"crate-type": ["lib", "staticlib"]}, {("lib", "my_pkg"), ("staticlib", "my_pkg")}),
        ({"crate_type": ["cdylib"]}, {("cdylib", "my_pkg")}),
        ({"proc-macro": True}, {("proc-macro", "my_pkg")}),
        ({"proc_macro": True}, {("proc-macro", "my_pkg")}),
    ],
)
def test_a_library_is_what_its_table_says(table: dict[str, Any], kinds: set[tuple[str, str]], folder: Path) -> None:
    others = {target for target in FOUND if target[0] != "lib"}
    assert targets(folder, {"lib": table}) == others | kinds


def test_a_target_that_is_written_down_is_not_found_twice(folder: Path) -> None:
    written = {"bin": [{"name": "one"}, {"name": "renamed", "path": "src/bin/./two/main.rs"}]}
    assert targets(folder, written) == FOUND - {("bin", "two")} | {("bin", "renamed")}


def test_in_the_oldest_edition_a_written_target_switches_the_search_off(folder: Path) -> None:
    assert targets(folder, {"test": [{"name": "x", "path": "x.rs"}]}, edition="2015") == FOUND - {("test", "t")} | {
        ("test", "x")
    }
    assert targets(folder, edition="2015") == FOUND
