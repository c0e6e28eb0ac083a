"""Remote execution and the team's cache on BuildGrid: many parts where buildbox-casd is one, and two ways in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import grid
import pytest
from trees import Tree, copy_tree, take_sysroot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grid import BuildGrid

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("grid")]


@dataclass(frozen=True)
class Team:
    """An engine that holds what one member had it build in the checkout `first`."""

    grid: BuildGrid
    first: Tree
    steps: list[str]


@pytest.fixture(scope="module")
def team(first: Tree, tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Team]:
    for engine in grid.buildgrid(tmp_path_factory.mktemp("buildgrid") / "engine", certificates):
        folder = tmp_path_factory.mktemp("first")
        member = take_sysroot(copy_tree(folder / "a checkout", str(folder / "cache")), first)
        result = member.build(f"remote_executor={engine.address}", "remote_upload=on", "hello-rs")
        yield Team(engine, member, result.steps)


@pytest.fixture
def clone(tmp_path: Path, first: Tree) -> Tree:
    """A checkout whose local cache holds nothing; it has a sysroot."""
    return take_sysroot(copy_tree(tmp_path / "clone", str(tmp_path / "cache")), first)


def test_all_actions_run_on_a_worker_and_give_the_same_program_as_here(team: Team, tree: Tree) -> None:
    done = [step for step in team.steps if step.startswith(("Compiling", "Running", "Linking"))]
    assert len(done) > 7
    assert [step for step in done if not step.endswith("(remotely)")] == []
    tree.build("hello-rs")
    assert team.first.program("hello-rs").read_bytes() == tree.program("hello-rs").read_bytes()


def test_a_mistake_is_told_in_rustcs_words_once(team: Team, clone: Tree) -> None:
    clone.replace("user-rs/hello-rs/src/main.rs", "extern crate alloc;", "extern crate alloc;\nconst A: u8 = 'a';")
    result = clone.scons(f"remote_executor={team.grid.address}", "hello-rs")
    assert result.code == 2
    assert result.stderr.count("error[E0308]: mismatched types") == 1
    assert "user-rs/hello-rs/src/main.rs:" in result.stderr


def test_a_client_certificate_opens_the_other_door(team: Team, clone: Tree, certificates: Path) -> None:
    known = [
        f"tls_certificate={certificates}/ca.pem",
        f"tls_client_certificate={certificates}/client.pem",
        f"tls_client_key={certificates}/client.key",
    ]
    result = clone.build(f"remote_cache={team.grid.tls_address}", *known, "hello-rs")
    assert result.done("Compiling") == []
    assert result.stderr.count("warning:") == 0
    assert clone.program("hello-rs").read_bytes() == team.first.program("hello-rs").read_bytes()


def test_who_has_no_certificate_builds_alone(team: Team, tree: Tree, certificates: Path) -> None:
    tree.build("hello-rs")
    tree.replace("user-rs/hello-rs/src/main.rs", "extern crate alloc;", "// a stranger\nextern crate alloc;")
    result = tree.build(f"remote_cache={team.grid.tls_address}", f"tls_certificate={certificates}/ca.pem", "hello-rs")
    assert result.stderr.count("warning:") == 1
    assert f"the remote cache {team.grid.tls_address} is off, the build goes on without" in result.stderr
    assert result.done("Compiling") == ["hello-rs"]


def test_who_may_only_read_stores_nothing(team: Team, clone: Tree, tmp_path: Path) -> None:
    source = "user-rs/hello-rs/src/main.rs"
    clone.replace(source, "extern crate alloc;", "// an edit\nextern crate alloc;")
    as_reader = (f"remote_cache={team.grid.address}", f"remote_instance={grid.READERS}", "remote_upload=on")
    result = clone.build(*as_reader, "hello-rs")
    assert result.done("Compiling") == ["hello-rs"]
    assert result.stderr.count("warning:") == 1
    assert "nothing is stored in the remote cache" in result.stderr
    other = copy_tree(tmp_path / "other", str(tmp_path / "other-cache"))
    other.replace(source, "extern crate alloc;", "// an edit\nextern crate alloc;")
    again = other.build(f"remote_cache={team.grid.address}", "hello-rs")
    assert again.done("Compiling") == ["hello-rs"]
