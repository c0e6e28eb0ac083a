from __future__ import annotations

import os
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest
from msgspec.structs import replace

from ostoo_build.base import layout
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.invocation import tools
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.toolchain import provide
from ostoo_build.toolchain.find import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.invocation.tools import Tools


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "os").mkdir()
    made = Checkout(tmp_path / "os", Console(colour=False, quiet=False))
    made.make_memos()
    return made


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    folder = fake.sysroot(tmp_path / "toolchain")
    return Toolchain(
        rustc=folder / "bin/rustc",
        cargo=folder / "bin/cargo",
        lld=folder / f"lib/rustlib/{fake.HOST}/bin/rust-lld",
        rust_src=folder / "lib/rustlib/src/rust/library",
        version="1.96.0",
        host=fake.HOST,
        env=(),
        libraries=(folder / "lib/librustc_driver-0.so",),
        host_linker=None,
        reason="the first one",
    )


def of(checkout: Checkout, toolchain: Toolchain) -> Tools:
    return tools.of(checkout, toolchain, tools.paths_of(checkout.root, toolchain, "sysroot"), {})


def test_which_toolchain_it_is_is_told_when_it_is_another_than_the_last_time(
    checkout: Checkout, toolchain: Toolchain, capsys: pytest.CaptureFixture[str]
) -> None:
    found = of(checkout, toolchain)
    assert capsys.readouterr().err == "       Using the first one\n"
    assert of(checkout, toolchain).sha256 == found.sha256
    assert capsys.readouterr().err == ""
    (checkout.root / layout.TOOLCHAIN).write_text("another one")
    of(checkout, toolchain)
    assert capsys.readouterr().err == "       Using the first one\n"


def test_a_toolchain_that_is_touched_after_it_was_hashed_is_seen(checkout: Checkout, toolchain: Toolchain) -> None:
    found = of(checkout, toolchain)
    found.input_guard.check_tools()
    with toolchain.rustc.open("a") as stream:
        stream.write("# another one\n")
    with pytest.raises(OstooError, match="the toolchain changed, or was removed, during the build"):
        found.input_guard.check_tools()


def test_actions_name_its_parts_and_not_where_they_lie(checkout: Checkout, toolchain: Toolchain) -> None:
    paths = tools.paths_of(checkout.root, toolchain, "sysroot")
    assert paths.portable(toolchain.rustc) == "@{rustc}"
    assert paths.portable(toolchain.rust_src / "core/src/lib.rs") == "@{rust-src}/core/src/lib.rs"
    assert paths.root == os.path.realpath(checkout.root)
    for place in (toolchain.libraries[0], toolchain.rust_src / "std/src/lib.rs"):
        assert paths.is_in(place, paths.of_tools), place


@pytest.mark.parametrize("part", ["cargo", "lld", "rust_src", "libraries"])
def test_each_part_of_a_toolchain_is_watched(part: str, checkout: Checkout, toolchain: Toolchain) -> None:
    found = of(checkout, toolchain)
    value = getattr(toolchain, part)
    (value if part == "rust_src" else value[0].parent if part == "libraries" else value).touch()
    with pytest.raises(OstooError, match="the toolchain changed, or was removed, during the build"):
        found.input_guard.check_tools()


def test_each_place_of_a_toolchain_has_its_name(
    checkout: Checkout, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARGO_HOME", "/cargo-home")
    paths = tools.paths_of(checkout.root, toolchain, "sysroot")
    named = {name: paths.expand(f"@{{{name}}}") for name in ("toolchain", "rust-src", "rustc", "cargo", "lld")}
    assert named == {
        "toolchain": str(toolchain.rustc.parent.parent),
        "rust-src": str(toolchain.rust_src),
        "rustc": str(toolchain.rustc),
        "cargo": str(toolchain.cargo),
        "lld": str(toolchain.lld),
    }
    assert paths.expand("@{cargo-home}") == "/cargo-home"


def test_parts_that_lie_elsewhere_are_the_toolchains_too(
    checkout: Checkout, toolchain: Toolchain, tmp_path: Path
) -> None:
    """What rustc reads of them needs no other input: the toolchain's digest has it."""
    cargo = fake.write(tmp_path / "elsewhere/cargo", "")
    paths = tools.paths_of(checkout.root, replace(toolchain, cargo=cargo), "sysroot")
    assert paths.is_in(cargo, paths.of_tools)
    assert not paths.is_in(cargo.with_name("other"), paths.of_tools)


def test_what_the_variables_name_is_looked_for_and_cargo_is_told_of_that_compiler(
    checkout: Checkout, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, str]] = []

    def find(_root: Path, words: dict[str, str], _environment: object, tell: Callable[[str], None]) -> Toolchain:
        asked.append(words)
        tell("a part of it")
        return toolchain

    monkeypatch.setattr(provide, "find_or_provide", find)
    monkeypatch.setenv("RUSTFLAGS", "-O")
    words = {name: f"/{name}" for name in ("RUSTC", "CARGO", "LLD", "RUST_SRC")}
    found = tools.find(checkout, Options({**words, "target": "x"}))
    assert asked == [words]
    assert found.toolchain is toolchain
    assert found.environment["RUSTC"] == str(toolchain.rustc)
    assert found.environment["PATH"] == os.environ["PATH"]
    assert "RUSTFLAGS" not in found.environment
    assert found.sha256 == found.folder.sha256 == of(checkout, toolchain).sha256
    said = capsys.readouterr().err
    assert "    Fetching a part of it\n" in said
    assert "RUSTFLAGS is ignored: set its value in the workspace" in said
