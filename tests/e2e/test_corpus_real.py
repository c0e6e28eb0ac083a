"""Cargo's files mean what they mean to cargo: small workspaces, built by cargo and by us, unit by unit."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import all_workspaces
import differences
import invocations
import planners
import pytest
import recording_cargo
from trees import PROJECT, Tree, copy_tree
from workspaces import TARGET

from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from differences import Difference
    from invocations import Build
    from workspaces import Workspace

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("corpus")]


def write(tree: Tree, workspace: Workspace) -> None:
    folder = tree.root / workspace.name
    for name, content in workspace.files.items():
        path = Path(os.path.normpath(folder / name))
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes) else content.replace("{root}", str(tree.root)).encode()
        path.write_bytes(text)
    for name in workspace.repositories:
        own = ("-c", "user.name=u", "-c", "user.email=u@example.org", "-c", "commit.gpgsign=false")
        for words in (["init", "--quiet"], ["add", "."], [*own, "commit", "--quiet", "-m", "m"], ["tag", "t"]):
            subprocess.run(["git", *words], cwd=folder / name, check=True)


def write_targets(tree: Tree) -> None:
    spec = json.loads((tree.root / "targets/x86_64-ostoo-kernel.json").read_text(encoding="utf-8"))
    tree.write(f"targets/{TARGET}.json", json.dumps(spec))
    tree.write(f"targets/{TARGET}-elf.json", json.dumps({**spec, "exe-suffix": ".elf"}))


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of who starts both builds: with a folder of cargo's own, and the real user's toolchains."""
    kept = ("PATH", "HOME", "RUSTUP_HOME", "XDG_CACHE_HOME")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARGO_HOME", str(tmp_path_factory.mktemp("cargo-home")))
        patch.setenv("LC_ALL", "C.UTF-8")  # else the recorder, a Python, sets it for those whom it starts
        patch.setenv("CORPUS_ASKED", "asked")
        yield {name: os.environ[name] for name in (*kept, "CARGO_HOME", "LC_ALL", "CORPUS_ASKED") if name in os.environ}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, users: dict[str, str]) -> dict[str, list[Difference]]:
    """What differs in each workspace: all of them are in one checkout."""
    folder = tmp_path_factory.mktemp("corpus")
    tree = copy_tree(folder / "checkout", str(folder / "cache"))
    write_targets(tree)
    for workspace in all_workspaces.BUILT.values():
        write(tree, workspace)
    with ThreadPoolExecutor(2) as pool:
        recorded = pool.map(partial(by_cargo, tree, folder / "cargo", users), all_workspaces.BUILT.values())
        theirs = dict(zip(all_workspaces.BUILT, recorded, strict=True))
    found = {}
    for profile in sorted({workspace.profile for workspace in all_workspaces.BUILT.values()}):
        workspaces = [workspace for workspace in all_workspaces.BUILT.values() if workspace.profile == profile]
        for name, ours in by_us(tree, profile, workspaces).items():
            pairs = zip(theirs[name], ours, strict=True)
            found[name] = [each for pair in pairs for each in differences.between(*pair, users)]
    return found


def by_cargo(tree: Tree, folder: Path, users: dict[str, str], workspace: Workspace) -> list[Build]:
    """Have cargo build each program of a workspace for itself."""
    chosen = toolchain.find(PROJECT, {}, os.environ)
    builds = []
    for program, words in workspace.programs.items():
        place, asked = tree.root / workspace.name, ("--profile", workspace.profile, *words.split())
        recorded = recording_cargo.build(chosen, place, folder / program, *asked, users=users)
        builds.append(invocations.of_cargo(recorded, chosen.rustc))
    return builds


def by_us(tree: Tree, profile: str, workspaces: list[Workspace]) -> dict[str, list[Build]]:
    """Build all programs of some workspaces at once."""
    tree.build(f"profile={profile}", "--all-outputs", *(name for each in workspaces for name in each.programs))
    planner = planners.opened(tree.root, profile=profile)
    return {
        workspace.name: [
            invocations.of_log(tree.root, planner.paths, planner.plan(*asked))
            for program in workspace.programs
            for asked in planner.programs.ids([program])
        ]
        for workspace in workspaces
    }


@pytest.mark.parametrize("name", all_workspaces.BUILT)
def test_rustc_and_scripts_are_given_what_cargo_gives_them(name: str, found: dict[str, list[Difference]]) -> None:
    assert [str(each) for each in found[name] if each.row not in differences.ACCEPTED] == []


def test_each_accepted_difference_is_one(found: dict[str, list[Difference]]) -> None:
    seen = {each.row for differing in found.values() for each in differing}
    assert differences.ACCEPTED.keys() - seen == set()
