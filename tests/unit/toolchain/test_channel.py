from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.toolchain import channel
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

NIGHTLY = '[toolchain]\nchannel = "nightly"\n'


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("rust-toolchain.toml", NIGHTLY, "nightly"),
        ("rust-toolchain.toml", f"\ufeff{NIGHTLY}", "nightly"),
        ("rust-toolchain.toml", '[toolchain]\nchannel = "1.97.0"\ncomponents = ["rust-src"]\n', "1.97.0"),
        ("rust-toolchain", NIGHTLY, "nightly"),
        ("rust-toolchain", "nightly-2026-05-19\n", "nightly-2026-05-19"),
        ("rust-toolchain", "nightly-x86_64-unknown-linux-gnu", "nightly-x86_64-unknown-linux-gnu"),
    ],
)
def test_each_form_of_rustups_file_is_read(name: str, text: str, wanted: str, tmp_path: Path) -> None:
    fake.write(tmp_path / name, text)
    found = channel.read(tmp_path)
    assert (found.name, found.folder, found.reason) == (wanted, None, f"named by {name}")


def test_the_older_file_goes_first_as_for_rustup(tmp_path: Path) -> None:
    fake.write(tmp_path / "rust-toolchain.toml", NIGHTLY)
    fake.write(tmp_path / "rust-toolchain", "stable")
    assert channel.read(tmp_path).name == "stable"


def test_a_folder_can_be_a_toolchain(tmp_path: Path) -> None:
    fake.write(tmp_path / "rust-toolchain.toml", '[toolchain]\npath = "my/toolchain"\n')
    assert channel.read(tmp_path).folder == tmp_path / "my/toolchain"


def test_a_folder_that_is_named_is_taken_or_refused_and_nothing_else(tmp_path: Path) -> None:
    fake.write(tmp_path / "rust-toolchain.toml", '[toolchain]\npath = "my/toolchain"\n')
    with pytest.raises(OstooError) as caught:
        toolchain.find(tmp_path, {}, {"PATH": "/usr/bin:/bin", "RUSTUP_HOME": str(tmp_path)})
    assert not isinstance(caught.value, toolchain.NoToolchainError)


def test_a_workspace_may_name_it_where_the_top_names_none(tmp_path: Path) -> None:
    fake.write(tmp_path / "user-rs/rust-toolchain.toml", NIGHTLY)
    fake.write(tmp_path / ".hidden/rust-toolchain.toml", '[toolchain]\nchannel = "1.96.0"\n')
    assert channel.read(tmp_path).name == "nightly"
    fake.write(tmp_path / "kernel/rust-toolchain.toml", NIGHTLY)
    assert channel.read(tmp_path).name == "nightly"
    fake.write(tmp_path / "kernel/rust-toolchain.toml", '[toolchain]\nchannel = "1.96.0"\n')
    with pytest.raises(OstooError, match="folders name different toolchains") as caught:
        channel.read(tmp_path)
    assert caught.value.where.splitlines() == [
        str(tmp_path / "kernel/rust-toolchain.toml"),
        str(tmp_path / "user-rs/rust-toolchain.toml"),
    ]
    fake.write(tmp_path / "rust-toolchain.toml", '[toolchain]\nchannel = "1.97.0"\n')
    assert channel.read(tmp_path).name == "1.97.0"


def test_who_names_none_gets_nightly(tmp_path: Path) -> None:
    found = channel.read(tmp_path)
    assert (found.name, found.reason) == ("nightly", "as no rust-toolchain.toml names another")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is none"),
        ('[toolchain]\nchanel = "stable"\n', "there is none"),
        ("toolchain = 1", "there is none"),
        ("[toolchain", "not valid TOML: "),
        ("\udcff", "not valid TOML: "),
    ],
)
def test_a_file_that_names_none_is_told(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "rust-toolchain.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OstooError, match=f"can't read the toolchain's channel: {why}") as caught:
        channel.read(tmp_path)
    assert caught.value.remedy.startswith('write channel = "nightly"')


@pytest.mark.parametrize("value", ["1", "[]", '["nightly"]', '"*"', '"../x"', '""', "true", "{}", '"a\\u0000b"'])
@pytest.mark.parametrize("key", ["channel", "path"])
def test_a_value_that_names_nothing_is_told(value: str, key: str, tmp_path: Path) -> None:
    if key == "path" and value in {'"*"', '"../x"'}:
        return  # names of folders
    (tmp_path / "rust-toolchain.toml").write_text(f"[toolchain]\n{key} = {value}\n")
    with pytest.raises(OstooError, match=f"the toolchain's {key} is not a "):
        channel.read(tmp_path)
