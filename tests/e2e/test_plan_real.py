"""Programs that ask the same of other packages are one question to the real cargo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import planners
import pytest
from msgspec.structs import replace
from trees import TARGET, Tree, copy_tree

from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning.memos import Memos
from ostoo_build.planning.plan import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

    from ostoo_build.planning.cargo import Binary
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.workspace import Workspace

SHARED = """
[features]
default = ["c"]
a = []
b = []
c = []
"""
ASKS = {
    "one": '[dependencies]\nshared = { path = "../shared", features = ["a"] }',
    "like-one": '[dependencies]\nshared = { path = "../shared", features = ["a"] }',
    "other": '[dependencies]\nshared = { path = "../shared", features = ["b"], default-features = false }',
    "of-host": '[dependencies]\nshared = { path = "../shared", features = ["a"] }\n'
    '[build-dependencies]\nshared = { path = "../shared", features = ["b"] }',
    "by-default": '[dependencies]\nshared = { path = "../shared", features = ["a"] }\n'
    '[features]\ndefault = ["more"]\nmore = ["shared/b"]',
}


def package(tree: Tree, name: str, root: str, more: str) -> None:
    text = f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}\n'
    tree.write(f"user-rs/{name}/Cargo.toml", text)
    tree.write(f"user-rs/{name}/src/{root}.rs", "#![no_std]\n#![no_main]\n")
    tree.replace("user-rs/Cargo.toml", "members = [", f'members = ["{name}", ')


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("plan")
    tree = copy_tree(folder / "checkout", "off")
    package(tree, "shared", "lib", SHARED)
    for name, asks in ASKS.items():
        package(tree, name, "main", asks)
    tree.write("user-rs/of-host/build.rs", "fn main() {}")
    opened = planners.opened(tree.root).programs
    return replace(opened.workspace(opened.group_of("hello-rs"), TARGET), memos=Memos(folder / "plans"))


def planned(workspace: Workspace, *names: str) -> list[Program]:
    binaries = programs(workspace)
    plans = replace(workspace, snapshot=Snapshot()).plan(WHOLE, [binaries[name] for name in names], "release")
    return [plans[name] for name in names]


def programs(workspace: Workspace) -> dict[str, Binary]:
    return {binary.name: binary for binary in workspace.binaries()}


def test_only_what_could_change_a_feature_tells_programs_apart(workspace: Workspace) -> None:
    found = {name: programs(workspace)[name].dependencies for name in ASKS}
    assert found["one"] == found["like-one"]
    assert len(set(found.values())) == len(ASKS) - 1


def test_together_they_are_planned_as_each_alone(workspace: Workspace) -> None:
    assert planned(workspace, "one", "like-one") == [*planned(workspace, "one"), *planned(workspace, "like-one")]


@pytest.mark.parametrize("name", ["other", "by-default"])
def test_cargo_would_hand_features_from_one_to_the_other(name: str, workspace: Workspace) -> None:
    """Why programs that do not ask the same are never one question."""
    assert planned(workspace, "one", name)[0] != planned(workspace, "one")[0]


def test_one_planner_keeps_programs_that_differ_apart(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = workspace.cargo.workspace.parent
    made = planners.opened(root, jobs=4)
    made.programs.start_planning((name, TARGET) for name in ASKS)
    assert [made.plan(name, TARGET) for name in ASKS] == [planned(workspace, name)[0] for name in ASKS]
