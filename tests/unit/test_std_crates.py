from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build import std_crates, toolchain
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.toolchain import Toolchain

LOCAL = '[[package]]\nname = "hello"\nversion = "0.1.0"\n'
FETCHED = '[[package]]\nname = "libc"\nversion = "0.2.1"\nsource = "{}+https://example.org/index"\n'


@pytest.fixture
def found(tmp_path: Path) -> Toolchain:
    fake.sysroot(tmp_path / 'a "quoted" place')
    return toolchain.find(tmp_path, {"RUSTC": f'{tmp_path}/a "quoted" place/bin/rustc'}, {"PATH": "/nowhere"})


def test_crates_in_the_std_source_are_taken(found: Toolchain, tmp_path: Path) -> None:
    (found.rust_src / "vendor").mkdir()
    lock = fake.write(tmp_path / "Cargo.lock", LOCAL)
    flags = std_crates.cargo_flags(found, lock)
    assert flags[::2] == ("--config", "--config")
    settings = tomllib.loads("\n".join(flags[1::2]))["source"]
    vendor = settings[settings["crates-io"]["replace-with"]]
    assert vendor == {"directory": str(found.rust_src / "vendor")}


def test_a_source_without_crates_leaves_them_to_the_registry(found: Toolchain, tmp_path: Path) -> None:
    assert std_crates.cargo_flags(found, fake.write(tmp_path / "Cargo.lock", LOCAL)) == ()


@pytest.mark.parametrize("kind", ["registry", "sparse"])
def test_a_workspace_with_fetched_crates_keeps_its_registry(kind: str, found: Toolchain, tmp_path: Path) -> None:
    (found.rust_src / "vendor").mkdir()
    lock = fake.write(tmp_path / "Cargo.lock", LOCAL + FETCHED.format(kind))
    assert std_crates.cargo_flags(found, lock) == ()


def test_a_workspace_without_lock_keeps_its_registry(found: Toolchain, tmp_path: Path) -> None:
    (found.rust_src / "vendor").mkdir()
    assert std_crates.cargo_flags(found, tmp_path / "Cargo.lock") == ()


def test_a_damaged_lock_is_told(found: Toolchain, tmp_path: Path) -> None:
    (found.rust_src / "vendor").mkdir()
    with pytest.raises(OstooError, match="not valid TOML"):
        std_crates.cargo_flags(found, fake.write(tmp_path / "Cargo.lock", "[[package"))
