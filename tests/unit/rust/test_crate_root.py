from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.snapshot import Snapshot
from ostoo_build.rust import crate_root

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.rust.crate_root import StdView

CFGS = frozenset({"unix", 'target_os="linux"', 'target_has_atomic="64"', 'feature="a"'})


def view(tmp_path: Path, source: str, *features: str) -> StdView:
    (tmp_path / "lib.rs").write_text(source)
    return crate_root.view(tmp_path / "lib.rs", features, CFGS, Snapshot())


@pytest.mark.parametrize(
    ("predicate", "holds"),
    [
        ("unix", True),
        ("windows", False),
        ("true", True),
        ("false", False),
        ('target_os = "linux"', True),
        ('target_os="none"', False),
        ("target_os", False),
        ("all()", True),
        ("any()", False),
        ("not(windows)", True),
        ("not(unix)", False),
        ('all(unix, target_os = "linux",)', True),
        ("all(unix, windows)", False),
        ("any(windows, unix)", True),
        ('not(any(windows, all(unix, feature = "b")))', True),
        ('any(not(unix), all(feature = "a", not(feature = "b")))', True),
        ("unix, no_std", True),
    ],
)
def test_a_predicate_is_judged_as_rustc_judges_it(predicate: str, holds: bool) -> None:  # noqa: FBT001 - a table's column
    assert crate_root.holds(predicate, CFGS) is holds


@pytest.mark.parametrize("predicate", ['version("1.90")', 'target(os = "linux")', "accessible(std::mem)"])
def test_a_predicate_that_only_the_compiler_knows_is_no_crash(predicate: str) -> None:
    crate_root.holds(predicate, CFGS)


@pytest.mark.parametrize(
    "source",
    [
        "#![no_std]",
        "#![no_core]",
        "#![ no_std ]",
        '//! A crate.\n/* and /more */\n#![allow(unused)]\n#![doc = "]"]\n#![no_std]\nfn f() {}',
        "#![cfg_attr(unix, no_std)]",
        "#![cfg_attr(not(test), allow(unused), no_std)]",
        '#![cfg_attr(not(feature = "std"), no_std)]',
    ],
)
def test_a_crate_without_std_is_known_by_its_attribute(source: str, tmp_path: Path) -> None:
    assert view(tmp_path, source).no_std


@pytest.mark.parametrize(
    "source",
    [
        "",
        "// #![no_std]",
        "/* #![no_std] */",
        "fn f() {}\n#![no_std]",
        'const S: &str = "#![no_std]";',
        "#![cfg_attr(windows, no_std)]",
        "#![allow(no_std_thing)]",
        '#![doc = "#![no_std]"]',
    ],
)
def test_a_crate_with_std_is_not_taken_for_one_without(source: str, tmp_path: Path) -> None:
    assert not view(tmp_path, source).no_std


def test_features_decide_too(tmp_path: Path) -> None:
    source = '#![cfg_attr(not(feature = "std"), no_std)]'
    assert view(tmp_path, source, "alloc").no_std
    assert not view(tmp_path, source, "std").no_std


def test_a_feature_that_is_called_no_std_is_no_attribute(tmp_path: Path) -> None:
    assert not view(tmp_path, '#![cfg_attr(feature = "no_std", allow(unused))]', "no_std").no_std


def test_without_std_only_the_crates_below_it_are_seen(tmp_path: Path) -> None:
    found = view(tmp_path, "#![no_std]")
    assert [
        name for name in ("core", "alloc", "compiler_builtins", "std", "test", "proc_macro") if found.shows(name)
    ] == [
        "core",
        "alloc",
        "compiler_builtins",
    ]


def test_with_std_all_but_the_special_crates_are_seen(tmp_path: Path) -> None:
    found = view(tmp_path, "")
    assert [name for name in ("core", "std", "panic_abort", "test", "proc_macro") if found.shows(name)] == [
        "core",
        "std",
        "panic_abort",
    ]


def test_a_crate_that_is_named_anywhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/mod.rs").write_text(
        "#[macro_use]\npub(crate) extern crate std;\n"
        "#[cfg(windows)]\nextern crate test;\n"
        '#[cfg(feature = "x")] extern crate proc_macro;\n'
        "#[cfg(windows)] extern crate alloc;\n"
        "#[cfg(unix)] extern crate alloc;\n"
    )
    assert view(tmp_path, "#![no_std]").named == ("alloc", "std")
    assert view(tmp_path, "#![no_std]", "x").named == ("alloc", "proc_macro", "std")


@pytest.mark.parametrize(
    ("source", "marks"),
    [
        ("#![no_main]", ("no_main",)),
        ("#![cfg_attr(not(test), no_main)]", ()),
        ("#![cfg_attr(unix, no_main)]", ("no_main",)),
        (
            '#![cfg_attr(test, test_runner(a::run))]\n#![cfg_attr(test, feature(x), reexport_test_harness_main = "m")]',
            ("reexport_test_harness_main", "test_runner"),
        ),
        ("#![test_runner(a::run)]\n#![no_std]", ("test_runner",)),
        ("#![allow(no_main)]", ()),
        ("fn main() {}\n#![no_main]", ()),
    ],
)
def test_what_decides_how_tests_are_entered_is_noted(source: str, marks: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "main.rs"
    path.write_text(source)
    assert crate_root.view(path, (), CFGS | {"test"}, Snapshot()).marks == marks
