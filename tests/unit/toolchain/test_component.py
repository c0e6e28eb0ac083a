from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import component
from ostoo_build.toolchain.find import Toolchain

if TYPE_CHECKING:
    from pathlib import Path


def toolchain(rustc: Path) -> Toolchain:
    places = {"rustc": rustc, "cargo": rustc, "lld": rustc, "rust_src": rustc.parent}
    return Toolchain(**places, version="1", host="h", env=(), libraries=(), host_linker=None, reason="Rust 1: here")


def test_a_component_is_beside_rustc(tmp_path: Path) -> None:
    fake.script(tmp_path / "bin/clippy-driver", "exit 0")
    found = component.find(component.CLIPPY, toolchain(tmp_path / "bin/rustc"), {})
    assert found == tmp_path / "bin/clippy-driver"


@pytest.mark.parametrize(
    ("rustc", "command"),
    [
        ("home/.rustup/toolchains/nightly-x/bin/rustc", "rustup component add clippy --toolchain nightly-x"),
        ("/usr/bin/no-rustc", "apt-get install rust-web-clippy"),
        ("elsewhere/bin/rustc", "RUSTC="),
    ],
)
def test_a_missing_component_is_told_with_the_command_that_brings_it(rustc: str, command: str, tmp_path: Path) -> None:
    wanted = component.Component("no-clippy-driver", component.CLIPPY.component, component.CLIPPY.package)
    place = tmp_path / rustc
    with pytest.raises(OstooError, match="the toolchain has no no-clippy-driver: Rust 1: here") as raised:
        component.find(wanted, toolchain(place), {"HOME": str(tmp_path / "home")})
    assert raised.value.where == str(place.with_name("no-clippy-driver"))
    assert command in raised.value.remedy
