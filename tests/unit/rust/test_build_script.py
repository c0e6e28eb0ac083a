from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base.errors import OstooError
from ostoo_build.rust import build_script
from ostoo_build.rust.build_script import Instructions, ScriptOutput

SCRIPT = "user-rs/a/build.rs"


def test_each_instruction_goes_where_it_belongs() -> None:
    text = """
it says cargo::rustc-cfg=no
cargo::rustc-cfg=one
cargo:rustc-cfg=feature="two"
cargo::rustc-check-cfg=cfg(one)
cargo::rustc-env=NAME=a=b
cargo::rustc-link-lib=static=c
cargo::rustc-link-search=native=/lib
cargo::rustc-flags=-l m -Lfolder -L other
cargo::rustc-link-arg=-z
cargo::rustc-link-arg-bins=-Tlink.ld
cargo::metadata=include=/usr/include
cargo:root=/opt
cargo:metadata=of the old kind
cargo::warning=old
cargo::error=broken
cargo::rerun-if-changed=build.rs
cargo::rerun-if-env-changed=CC
something else
"""
    assert build_script.parse(text, SCRIPT) == Instructions(
        cfgs=["one", 'feature="two"'],
        check_cfgs=["cfg(one)"],
        env={"NAME": "a=b"},
        link_libs=["static=c", "m"],
        link_searches=["native=/lib", "folder", "other"],
        link_args=[("", "-z"), ("-bins", "-Tlink.ld")],
        metadata={"include": "/usr/include", "root": "/opt", "metadata": "of the old kind"},
        warnings=["old"],
        errors=["broken"],
        changed_files=["build.rs"],
        changed_variables=["CC"],
        new="cargo::rustc-cfg",
    )


def test_lines_that_are_not_utf_8_say_nothing_and_the_others_what_they_say() -> None:
    lines = (
        b"cargo::rustc-env=A=\xff",
        b"cargo::rustc-env=B=ok",
        b"\xff\xfe junk",
        b"cargo::rustc-cfg=a\xff",
        "é".encode(),
    )
    more = (
        b"\x00cargo::rustc-env=Z=1",
        b"\xc2\xa0cargo:rustc-env=E=nbsp",
        b"cargo::rustc-env=F=a\x1f",
        b" cargo:rustc-env=D=1 \r",
    )
    found = build_script.parse(build_script.decoded(b"\n".join((*lines, *more))), SCRIPT)
    assert found == Instructions(env={"B": "ok", "E": "nbsp", "F": "a\x1f", "D": "1"}, new="cargo::rustc-env")


def test_the_crate_gets_flags_in_the_order_asked_for() -> None:
    found = build_script.parse("cargo::rustc-link-lib=c\ncargo::rustc-cfg=b\ncargo::rustc-cfg=a", SCRIPT)
    assert [*found.cfg_flags()] == ["--cfg", "b", "--cfg", "a"]
    assert [*found.library_flags()] == ["-l", "c"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cargo::rustc-cfg", "has no `=`"),
        ("cargo::unheard=of", "unknown instruction `unheard`"),
        ("cargo::rustc-flags=-O", "the flag `-O`; only -l and -L"),
        ("cargo::rustc-env=A", "`rustc-env=A`, which has no second `=`"),
        ("cargo:rustc-env=A", "`rustc-env=A`, which has no second `=`"),
        ("cargo::metadata=a", "`metadata=a`, which has no second `=`"),
        ("cargo::rustc-link-arg-bin=-Tx", "`rustc-link-arg-bin=-Tx`, which has no second `=`"),
    ],
)
def test_what_cargo_refuses_is_an_error_here(line: str, message: str) -> None:
    with pytest.raises(OstooError, match=message) as caught:
        build_script.parse(line, SCRIPT)
    assert caught.value.where == SCRIPT


@pytest.mark.parametrize(
    "line",
    ["cargo::rustc-link-arg-bin=hello=-Tlink.ld", "cargo::rustc-link-arg-examples=-z", "cargo::rustc-link-arg-cdylib="],
)
def test_what_cargo_takes_is_no_error_here(line: str) -> None:
    build_script.parse(line, SCRIPT)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("cargo::rustc-link-arg-tests=-z", "`rustc-link-arg-tests`, but its package has no test target"),
        ("cargo:rustc-link-arg-bin=b=-z", "`rustc-link-arg-bin`, but its package has no bin target b"),
        ("cargo::rustc-cfg=a", "`cargo::rustc-cfg`, which Rust 1.76.1 does not know"),
    ],
)
def test_what_does_not_fit_the_package_is_refused(line: str, message: str) -> None:
    package = build_script.Package((("bin", "a"), ("example", "b")), "" if "-link-" in line else "1.76.1")
    with pytest.raises(OstooError, match=message):
        build_script.check(build_script.parse(line, SCRIPT), package, SCRIPT)
    for taken in (
        "cargo:rustc-link-arg-bin=a=-z",
        "cargo:rustc-link-arg-examples=-z",
        "cargo:rustc-link-arg-cdylib=-z",
    ):
        build_script.check(build_script.parse(taken, SCRIPT), package, SCRIPT)


def test_what_only_the_new_spelling_has_is_metadata_in_the_old_one() -> None:
    old = build_script.parse("cargo:error=bad\ncargo:metadata=a=b\ncargo:unheard=of", SCRIPT)
    assert (old.errors, old.metadata) == ([], {"error": "bad", "metadata": "a=b", "unheard": "of"})
    assert build_script.parse("cargo::error=bad", SCRIPT).errors == ["bad"]


def test_no_script_has_a_crate_use_what_is_unstable() -> None:
    found = build_script.parse("cargo::rustc-env=RUSTC_BOOTSTRAP=1\ncargo:rustc-env=A=1", SCRIPT)
    assert found.env == {"A": "1"}
    assert found.warnings == ["the build script can't set RUSTC_BOOTSTRAP=1: it has no effect"]


def test_what_a_script_made_is_searched_before_what_lies_elsewhere() -> None:
    """Cargo's rule since 1.88; else the order is that of asking."""
    first = build_script.parse(
        "cargo::rustc-link-search=/usr/lib\ncargo::rustc-link-search=native=/a/out/lib\n"
        "cargo::rustc-link-search=/a/outer\ncargo::rustc-flags=-L /a/out",
        SCRIPT,
    )
    second = build_script.parse("cargo::rustc-link-search=/a/out\ncargo::rustc-link-search=all=/b/out", SCRIPT)
    said = (ScriptOutput(first, "/a/out"), ScriptOutput(second, "/b/out"))
    folders = [word for word in build_script.search_flags(said) if word != "-L"]
    assert folders == ["native=/a/out/lib", "/a/out", "all=/b/out", "/usr/lib", "/a/outer", "/a/out"]


@pytest.mark.parametrize(
    ("kind", "target", "arguments"),
    [
        ("bin", "hello", ["-all", "-bins", "-hello"]),
        ("bin", "other", ["-all", "-bins"]),
        ("test", "hello", ["-all", "-tests"]),
        ("lib", "hello", ["-all"]),
    ],
)
def test_the_linker_gets_what_is_for_the_target(kind: str, target: str, arguments: list[str]) -> None:
    lines = ("=-all", "-bins=-bins", "-bin=hello=-hello", "-tests=-tests")
    found = build_script.parse("\n".join(f"cargo::rustc-link-arg{line}" for line in lines), SCRIPT)
    assert found.link_args_of(kind, target) == arguments


def test_white_space_around_an_instruction_does_not_count() -> None:
    assert build_script.parse("  cargo::rustc-cfg=a \t\n", SCRIPT).cfgs == ["a"]


@given(st.text(st.characters(exclude_categories=["C", "Z"])))
def test_any_text_is_a_value(cfg: str) -> None:
    assert build_script.parse(f"cargo::rustc-cfg={cfg}", SCRIPT).cfgs == [cfg]
