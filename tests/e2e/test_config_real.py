"""`ostoo config` with the real cargo."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from trees import copy_tree

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A checkout whose user has a configuration of cargo."""
    home = tmp_path / "cargo"
    home.mkdir()
    (home / "config.toml").write_text('# mine\n[net]\nretry = 3\n[build]\nrustflags = ["-Cdebuginfo=0"]\n')
    monkeypatch.setenv("CARGO_HOME", str(home))
    monkeypatch.setenv("CARGO_NET_OFFLINE", "true")
    made = copy_tree(tmp_path / "os", str(tmp_path / "cache"))
    made.write("ostoo.toml", 'locked = "on"\n')
    return made


def settings(tree: Tree, *words: str) -> dict[str, tuple[Any, str]]:
    document = json.loads(tree.ostoo("config", "--json", *words).stdout)
    return {each["name"]: (each["value"], each["origin"]) for each in document["settings"]}


def test_values_come_with_the_line_that_they_are_in(tree: Tree) -> None:
    found = settings(tree, "profile=dev")
    file = tree.root / "user-rs/.cargo/config.toml"
    lines = file.read_text().splitlines()
    line = 1 + next(at for at, text in enumerate(lines) if text.startswith("target = "))
    assert found["build.target"] == ("../targets/x86_64-ostoo-user.json", f"user-rs/.cargo/config.toml:{line}")
    assert found["net.retry"] == (3, f"{tree.root.parent}/cargo/config.toml:3")
    assert found["build.rustflags.0"] == ("-Cdebuginfo=0", f"{tree.root.parent}/cargo/config.toml:5")
    assert found["CARGO_NET_OFFLINE"] == ("true", "environment")
    assert found["cargo-home"] == (f"{tree.root.parent}/cargo", "CARGO_HOME")
    assert found["locked"] == ("on", "ostoo.toml:1")
    assert found["profile"] == ("dev", "command line")


def test_a_name_shows_what_is_below_it_in_the_form_of_cargo(tree: Tree) -> None:
    assert tree.ostoo("config", "net", "locked").stdout == (
        '# Variables\nlocked = "on" # ostoo.toml:1\n'
        f"\n# Cargo's configuration\nnet.retry = 3 # {tree.root.parent}/cargo/config.toml:3\n"
    )
