from __future__ import annotations

import os
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base import layout
from ostoo_build.base.console import Report
from ostoo_build.base.errors import OstooError
from ostoo_build.invocation import tools
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.toolchain.find import Toolchain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "os").mkdir()
    made = Checkout(tmp_path / "os", Report(colour=False, quiet=False))
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


def test_which_toolchain_it_is_is_told_when_it_is_another_than_the_last_time(
    checkout: Checkout, toolchain: Toolchain, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tools.of(checkout, toolchain, {})
    assert capsys.readouterr().err == "       Using the first one\n"
    assert tools.of(checkout, toolchain, {}).sha256 == found.sha256
    assert capsys.readouterr().err == ""
    (checkout.root / layout.TOOLCHAIN).write_text("another one")
    tools.of(checkout, toolchain, {})
    assert capsys.readouterr().err == "       Using the first one\n"


def test_a_toolchain_that_is_touched_after_it_was_hashed_is_seen(checkout: Checkout, toolchain: Toolchain) -> None:
    found = tools.of(checkout, toolchain, {})
    found.witness.check_tools()
    with toolchain.rustc.open("a") as stream:
        stream.write("# another one\n")
    with pytest.raises(OstooError, match="the toolchain changed, or was removed, during the build"):
        found.witness.check_tools()


def test_actions_name_its_parts_and_not_where_they_lie(checkout: Checkout, toolchain: Toolchain) -> None:
    paths = tools.paths_of(checkout.root, toolchain)
    assert paths.portable(toolchain.rustc) == "@{rustc}"
    assert paths.portable(toolchain.rust_src / "core/src/lib.rs") == "@{rust-src}/core/src/lib.rs"
    assert paths.root == os.path.realpath(checkout.root)
    for place in (toolchain.libraries[0], toolchain.rust_src / "std/src/lib.rs"):
        assert paths.is_in(place, paths.of_tools), place
