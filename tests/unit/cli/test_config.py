from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

import fake_toolchains as fake
import pytest

from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli import config
from ostoo_build.cli.run import Runner

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """\
[build]
target = "x86_64-ostoo-user.json"
[registries.own]
token = "t0ken"
index = "https://me:pass@example.org/index"
"""


HIDDEN = "(set, and not shown)"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a toolchain of a user of its own, whose cargo tells the project's configuration."""
    for name in [*os.environ]:
        if name.startswith("CARGO"):
            monkeypatch.delenv(name)
    project = tmp_path / "project"
    fake.write(project / "ostoo.toml", '# ours\nprofile = "dev"\nremote_cache = "grpc://me:pass@localhost:1"\n')
    fake.write(project / "user-rs/Cargo.toml", "[workspace]\n")
    file = fake.write(project / "user-rs/.cargo/config.toml", CONFIGURATION)
    toolchain = fake.sysroot(tmp_path / f"rustup/toolchains/nightly-{platform.machine()}-unknown-linux-gnu")
    said = (
        f'build.target = "x86_64-ostoo-user.json" # {file}\nregistries.own.token = "t0ken" # {file}\n'
        f'registries.own.index = "https://me:pass@example.org/index" # {file}\n'
        f'unstable.build-std = [\n    "std", # {file}\n]\n'
    )
    fake.script(toolchain / "bin/cargo", f"cat <<'end'\n{said}end")
    monkeypatch.setenv("RUSTUP_HOME", str(tmp_path / "rustup"))
    monkeypatch.setenv("OSTOO_REMOTE_TOKEN", "s3cret")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return project


def answer(root: Path, *names: str, words: tuple[str, ...] = ()) -> str:
    return config.answer(Runner(root, words, os.environ, Console(colour=False, quiet=False)), names, as_json=False)


def documents(root: Path, *names: str) -> list[dict[str, Any]]:
    runner = Runner(root, ("sysroot=debian",), os.environ, Console(colour=False, quiet=False))
    document = json.loads(config.answer(runner, names, as_json=True))
    assert document["format"] == 1
    found: list[dict[str, Any]] = document["settings"]
    return found


def test_each_value_has_its_origin(root: Path) -> None:
    found = {each["name"]: (each["value"], each["origin"]) for each in documents(root)}
    assert found["sysroot"] == ("debian", "command line")
    assert found["profile"] == ("dev", "ostoo.toml:2")
    assert found["locked"] == ("off", "default")
    assert found["RUSTUP_HOME"] == (os.environ["RUSTUP_HOME"], "environment")
    assert found["rustup-home"] == (os.environ["RUSTUP_HOME"], "RUSTUP_HOME")
    assert found["build.target"] == ("x86_64-ostoo-user.json", "user-rs/.cargo/config.toml:2")
    assert found["unstable.build-std.0"] == ("std", "user-rs/.cargo/config.toml")
    assert found["NO_COLOR"][0] is None


def test_tables_of_the_project_have_their_lines_too(root: Path) -> None:
    with (root / "ostoo.toml").open("a") as stream:
        stream.write('[[workspaces]]\nfolder = "user-rs"\n[[workspaces]]\nfolder = "user-*"\nbuild-std = ["core"]\n')
    assert answer(root, "workspaces") == (
        '# Project\nworkspaces.0.folder = "user-rs" # ostoo.toml:5\n'
        'workspaces.1.folder = "user-*" # ostoo.toml:7\nworkspaces.1.build-std = ["core"] # ostoo.toml:8\n'
    )


def test_what_is_secret_is_not_shown(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_REGISTRIES_OWN_TOKEN", "t0ken")
    for said in (answer(root), json.dumps(documents(root))):
        assert not {word for word in ("s3cret", "t0ken", "pass@") if word in said}
    found = {each["name"]: each["value"] for each in documents(root)}
    assert found["OSTOO_REMOTE_TOKEN"] == found["CARGO_REGISTRIES_OWN_TOKEN"] == HIDDEN
    assert found["registries.own.index"] == "https://…@example.org/index"


def test_names_choose_what_is_shown(root: Path) -> None:
    said = answer(root, "registries", "locked", "NO_COLOR", words=("locked=on",))
    assert said == (
        "# Variables\n"
        'locked = "on" # command line\n'
        "\n"
        "# Environment\n"
        "# NO_COLOR is not set\n"
        "\n"
        "# Cargo's configuration\n"
        'registries.own.token = "(set, and not shown)" # user-rs/.cargo/config.toml:4\n'
        'registries.own.index = "https://…@example.org/index" # user-rs/.cargo/config.toml:5\n'
    )


def test_a_name_that_there_is_not_is_told(root: Path) -> None:
    with pytest.raises(OstooError, match=r"there is no setting profil\n") as caught:
        answer(root, "profil")
    assert caught.value.remedy == "did you mean profile?"


def test_a_variable_that_the_build_ignores_is_shown_as_such(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_PROFILE_RELEASE_LTO", "fat")
    (found,) = documents(root, "CARGO_PROFILE_RELEASE_LTO")
    assert found["origin"] == "environment, ignored by this build"


def test_without_a_toolchain_the_rest_is_shown(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUSTUP_HOME", str(root))
    monkeypatch.setenv("PATH", str(root))
    assert 'profile = "dev" # ostoo.toml:2\n' in answer(root, "profile")
    assert capsys.readouterr().err == (
        "warning: cargo's configuration is not shown: no suitable Rust toolchain was found\n"
    )
