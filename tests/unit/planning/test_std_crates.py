from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import std_crates

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = '[[package]]\nname = "hello"\nversion = "0.1.0"\n'
FETCHED = '[[package]]\nname = "libc"\nversion = "0.2.1"\nsource = "{}+https://example.org/index"\n'


def test_crates_in_the_std_source_are_found(tmp_path: Path) -> None:
    assert std_crates.vendor(tmp_path) is None
    (tmp_path / "vendor").mkdir()
    assert std_crates.vendor(tmp_path) == tmp_path / "vendor"


def test_cargo_takes_them_from_there_and_locks_nothing(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" place'
    locked, *flags = std_crates.redirect(folder)
    assert locked == "--locked"
    assert flags[::2] == ["--config", "--config"]
    settings = tomllib.loads("\n".join(flags[1::2]))["source"]
    assert settings[settings["crates-io"]["replace-with"]] == {"directory": str(folder)}


@pytest.mark.parametrize("kind", ["registry", "sparse"])
def test_a_lock_tells_whether_crates_are_fetched(kind: str, tmp_path: Path) -> None:
    lock = tmp_path / "Cargo.lock"
    assert not std_crates.uses_registry(lock)
    assert not std_crates.uses_registry(fake.write(lock, LOCAL))
    assert std_crates.uses_registry(fake.write(lock, LOCAL + FETCHED.format(kind)))


def test_a_damaged_lock_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="not valid TOML"):
        std_crates.uses_registry(fake.write(tmp_path / "Cargo.lock", "[[package"))


def test_a_crate_of_std_from_a_registry_is_the_one_beside_std(tmp_path: Path) -> None:
    registry, vendor = tmp_path / "registry/src", tmp_path / "vendor"
    for name in ("libc-1.0/src/lib.rs", "other-1.0/src/lib.rs"):
        (registry / "some-host" / name).parent.mkdir(parents=True)
        (registry / "some-host" / name).touch()
    beside = vendor / "libc-1.0/src/lib.rs"
    beside.parent.mkdir(parents=True)
    beside.touch()
    for source, found in (
        (registry / "some-host/libc-1.0/src/lib.rs", beside),
        (registry / "some-host/other-1.0/src/lib.rs", registry / "some-host/other-1.0/src/lib.rs"),
        (tmp_path / "elsewhere/libc-1.0/src/lib.rs", tmp_path / "elsewhere/libc-1.0/src/lib.rs"),
        (beside, beside),
    ):
        assert std_crates.vendored(source, registry, vendor) == found
