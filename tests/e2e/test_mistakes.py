"""Mistakes of users: each is one message, an exit code, and no harm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from trees import TARGET

if TYPE_CHECKING:
    from trees import Result, Tree

pytestmark = pytest.mark.compiler


def assert_told(result: Result, *parts: str) -> None:
    assert result.code == 2, result
    assert "Traceback" not in result.stdout + result.stderr
    assert result.stderr.count(parts[0]) == 1, result.stderr
    for part in parts:
        assert part in result.stderr


def test_an_unknown_program(tree: Tree) -> None:
    assert_told(tree.scons("helo-std"), "error: there is no program helo-std", "did you mean hello-std?")


def test_an_unknown_variable(tree: Tree) -> None:
    assert_told(tree.scons("targt=x"), "error: unknown variable targt", "did you mean target?")


def test_an_unknown_option(tree: Tree) -> None:
    assert_told(
        tree.scons("hello-rs", "--kep-going"), "error: no such option: --kep-going", "did you mean --keep-going?"
    )
    assert_told(tree.scons("hello-rs", "--release"), "error: no such option: --release", "profile=dev")
    assert_told(tree.scons("hello-rs", "-Z"), "error: no such option: -Z", "scons -H lists all options")


def test_an_unknown_target(tree: Tree) -> None:
    assert_told(tree.scons("target=x86_64-ostoo-usr"), "error: there is no target", f"did you mean {TARGET}?")


def test_an_unknown_sysroot_provider(tree: Tree) -> None:
    assert_told(tree.scons("hello-std", "sysroot=zik"), "error: unknown sysroot provider", "did you mean zig?")


def test_a_bad_target_spec_is_told_with_its_line(tree: Tree) -> None:
    spec = json.loads((tree.root / f"targets/{TARGET}.json").read_text())
    tree.write(f"targets/{TARGET}.json", json.dumps({**spec, "panic-strategy": "unwinding"}, indent=2))
    assert_told(tree.scons("hello-rs"), "/panic-strategy", f"targets/{TARGET}.json")


def test_a_target_that_breaks_the_policy(tree: Tree) -> None:
    tree.replace(f"targets/{TARGET}.json", '"crt-static-default": true', '"crt-static-default": false')
    assert_told(tree.scons("hello-rs"), "/crt-static-default")


def test_a_feature_that_no_crate_has(tree: Tree) -> None:
    tree.replace("user-rs/hello-rs/Cargo.toml", '["no_std"]', '["no_such_feature"]')
    assert_told(tree.scons("hello-rs"), "error: cargo can't plan the build", "no_such_feature")


def test_a_manifest_that_is_no_toml(tree: Tree) -> None:
    tree.write("user-rs/hello-rs/Cargo.toml", "[package\n")
    assert_told(tree.scons("hello-rs"), "error: cargo can't plan the build", "hello-rs/Cargo.toml")


def test_an_error_of_the_compiler_is_shown_untouched_and_the_last_good_program_stays(built: Tree) -> None:
    before = built.program("hello-std").read_bytes()
    built.replace("user-rs/hello-std/src/main.rs", "    0\n", '    "0"\n')
    result = built.scons("hello-std")
    place = "user-rs/hello-std/src/main.rs:15:5"
    assert_told(result, "error[E0308]: mismatched types", place, "could not compile hello-std")
    assert built.program("hello-std").read_bytes() == before


def test_a_warning_is_shown_when_it_comes_from_the_cache_too(built: Tree) -> None:
    source = "user-rs/hello-std/src/main.rs"
    built.replace(source, "    let map", "    let unused = 1;\n    let map")
    first = built.build()
    assert first.stderr.count("warning: unused variable: `unused`") == 1
    built.build("-c")
    again = built.build()
    assert again.steps == []
    assert again.stderr.count("warning: unused variable: `unused`") == 1


def test_an_undeclared_input_is_named_with_the_way_to_declare_it(built: Tree) -> None:
    built.write("text.txt", "from outside")
    source = "user-rs/hello-std/src/main.rs"
    built.replace(source, "    0\n", '    println!("{}", include_str!("../../../text.txt"));\n    0\n')
    assert_told(built.scons("hello-std"), "error: the crate reads text.txt", "package.metadata.ostoo")
    manifest = "user-rs/hello-std/Cargo.toml"
    built.replace(manifest, "[lints]", '[package.metadata.ostoo]\ninputs = ["../../text.txt"]\n\n[lints]')
    built.build("hello-std")
    assert built.run("hello-std")[1].endswith("from outside\n")
    built.write("text.txt", "and changed")
    built.build("hello-std")
    assert built.run("hello-std")[1].endswith("and changed\n")


def test_a_program_over_its_budget_is_refused_and_the_former_one_stays(built: Tree) -> None:
    before = built.program("hello-std").read_bytes()
    built.replace("user-rs/hello-std/src/main.rs", "    0\n", '    print!("{:?}", &[1_u8; 40_000][..]);\n    0\n')
    built.replace("user-rs/hello-std/SConscript", "64 KiB", "40 KiB")
    assert_told(built.scons("hello-std"), "size-budget", "hello-std does not fit the loader of ostoo")
    assert built.program("hello-std").read_bytes() == before


def test_a_budget_that_is_no_size(tree: Tree) -> None:
    tree.replace("user-rs/hello-std/SConscript", "64 KiB", "64 kilo")
    assert_told(tree.scons("hello-std"), "error: '64 kilo' is not a valid size")


def test_a_script_for_a_program_that_is_not_there(tree: Tree) -> None:
    tree.replace("user-rs/hello-std/SConscript", "hello-std", "hello-sdt")
    assert_told(
        tree.scons("hello-std"), "error: there is no program hello-sdt in the workspace", "did you mean hello-std?"
    )
