"""Remote execution and the team's cache on BuildGrid: many parts where buildbox-casd is one, and two ways in."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grid
import pytest
from trees import Tree, copy_cache, copy_tree, take_sysroot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grid import BuildGrid

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("grid")]


SOURCE = "user-rs/hello-rs/src/main.rs"
SCRIPT = """//! Makes a large file.
fn main() {
    let made: Vec<u8> = (0..6_000_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(std::env::var("OUT_DIR").unwrap() + "/made", made).unwrap();
}
"""


def own(tree: Tree) -> Tree:
    """Give a checkout sources that no cache has: all that is compiled, run and linked for them is the engine's.

    Core is not: that all of std can be made elsewhere is proved with buildbox-casd, and takes half a minute here too.
    The engine gets core's files, which are large, from who asks; a script makes another large one, which comes back.
    """
    tree.replace("user-rs/rt/src/io.rs", "//!", "//! For BuildGrid.\n//!")
    tree.replace(SOURCE, "extern crate alloc;", "// for BuildGrid\nextern crate alloc;")
    tree.write("user-rs/hello-rs/build.rs", SCRIPT)
    return tree


@dataclass(frozen=True)
class Team:
    """An engine that holds what one member had it build in the checkout `first`."""

    grid: BuildGrid
    first: Tree
    steps: list[str]


@pytest.fixture(scope="module")
def std(shared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds std, and nothing of these tests."""
    cache = tmp_path_factory.mktemp("std") / "cache"
    copy_cache(shared_cache, cache)
    return cache


@pytest.fixture(scope="module")
def team(first: Tree, std: Path, tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[Team]:
    for _ in range(3):  # where others use all processors it may be too slow to answer in time
        with contextmanager(grid.buildgrid)(tmp_path_factory.mktemp("buildgrid") / "engine", certificates) as engine:
            folder = tmp_path_factory.mktemp("first")
            copy_cache(std, folder / "cache")
            member = own(take_sysroot(copy_tree(folder / "a checkout", str(folder / "cache")), first))
            result = member.build(f"remote_executor={engine.address}", "remote_upload=on", "hello-rs")
            if "it does not answer" not in result.stderr:
                assert "warning:" not in result.stderr, result.stderr
                yield Team(engine, member, result.steps)
                return
    pytest.fail(result.stderr)


@pytest.fixture
def clone(tmp_path: Path, std: Path, first: Tree) -> Tree:
    """A checkout whose local cache holds std alone; it has a sysroot."""
    copy_cache(std, tmp_path / "cache")
    return own(take_sysroot(copy_tree(tmp_path / "clone", str(tmp_path / "cache")), first))


def test_all_actions_run_on_a_worker_and_give_the_same_program_as_here(team: Team, tree: Tree) -> None:
    assert sorted(step for step in team.steps if not step.startswith(("Checking", "Stripping"))) == [
        "Compiling hello-rs v0.1.0 (build script) (remotely)",
        "Compiling hello-rs v0.1.0 (remotely)",
        "Compiling ostoo-rt v0.1.0 (remotely)",
        "Linking hello-rs (remotely)",
        "Running hello-rs v0.1.0 (build script) (remotely)",
    ]
    own(tree).build("hello-rs")
    assert team.first.program("hello-rs").read_bytes() == tree.program("hello-rs").read_bytes()


def test_a_mistake_is_told_in_rustcs_words_once(team: Team, clone: Tree) -> None:
    clone.replace(SOURCE, "extern crate alloc;", "extern crate alloc;\nconst A: u8 = 'a';")
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
    result = clone.build(f"remote_cache={team.grid.tls_address}", *known, "--all-outputs", "hello-rs")
    (made,) = clone.root.glob("build/**/made")
    assert made.stat().st_size == 6_000_000
    assert result.done("Compiling") == []
    assert result.stderr.count("warning:") == 0
    assert clone.program("hello-rs").read_bytes() == team.first.program("hello-rs").read_bytes()


def test_who_has_no_certificate_builds_alone(team: Team, tree: Tree, certificates: Path) -> None:
    tree.build("hello-rs")
    tree.replace(SOURCE, "extern crate alloc;", "// a stranger\nextern crate alloc;")
    result = tree.build(f"remote_cache={team.grid.tls_address}", f"tls_certificate={certificates}/ca.pem", "hello-rs")
    assert result.stderr.count("warning:") == 1
    assert f"the remote cache {team.grid.tls_address} is disabled, and the build continues without it" in result.stderr
    assert result.done("Compiling") == ["hello-rs"]


def test_who_may_only_read_stores_nothing(team: Team, clone: Tree, std: Path, tmp_path: Path) -> None:
    clone.replace(SOURCE, "extern crate alloc;", "// an edit\nextern crate alloc;")
    as_reader = (f"remote_cache={team.grid.address}", f"remote_instance={grid.READERS}", "remote_upload=on")
    result = clone.build(*as_reader, "hello-rs")
    assert set(result.done("Compiling")) == {"hello-rs"}
    assert result.stderr.count("warning:") == 1
    assert "nothing is stored in the remote cache" in result.stderr
    copy_cache(std, tmp_path / "other-cache")
    other = own(copy_tree(tmp_path / "other", str(tmp_path / "other-cache")))
    other.replace(SOURCE, "extern crate alloc;", "// an edit\nextern crate alloc;")
    again = other.build(f"remote_cache={team.grid.address}", "hello-rs")
    assert set(again.done("Compiling")) == {"hello-rs"}
