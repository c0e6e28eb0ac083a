"""Cargo's files mean what they mean to cargo: small workspaces, built by cargo and by us, unit by unit."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import all_workspaces
import beside_cargo
import differences
import invocations
import planners
import pytest
import recording_cargo
from beside_cargo import arguments_of
from trees import PROJECT, Tree, copy_tree
from workspaces import TARGET, write

from ostoo_build.base import layout
from ostoo_build.planning import std_crates
from ostoo_build.planning.features import Selection
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from differences import Difference
    from invocations import Build
    from workspaces import Workspace

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("corpus")]


def write_targets(tree: Tree) -> None:
    spec = json.loads((tree.root / "targets/x86_64-ostoo-kernel.json").read_text(encoding="utf-8"))
    tree.write(f"targets/{TARGET}.json", json.dumps(spec))
    tree.write(f"targets/{TARGET}-elf.json", json.dumps({**spec, "exe-suffix": ".elf"}))


IGNORED = {
    "RUSTFLAGS": "--cfg ignored",
    "CARGO_BUILD_RUSTFLAGS": "--cfg ignored",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "0",
    "CARGO_UNSTABLE_TRIM_PATHS": "true",
    "CARGO_TARGET_X86_64_CORPUS_LINKER": "none",
}
DROPPED = {"CARGO_BUILD_TARGET": "none", "CARGO_INCREMENTAL": "1", "RUSTC_WRAPPER": "none", "RUSTDOCFLAGS": "none"}
"""Variables that would change a build of cargo's; those of the first table cause a warning."""


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of who starts both builds: with a folder of cargo's own, and the real user's toolchains."""
    kept = ("PATH", "HOME", "RUSTUP_HOME", "XDG_CACHE_HOME")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARGO_HOME", str(tmp_path_factory.mktemp("cargo-home")))
        patch.setenv("LC_ALL", "C.UTF-8")  # else the recorder, a Python, sets it for those whom it starts
        patch.setenv("CORPUS_ASKED", "asked")
        for name, value in (IGNORED | DROPPED).items():
            patch.setenv(name, value)  # cargo is not given them below
        yield {name: os.environ[name] for name in (*kept, "CARGO_HOME", "LC_ALL", "CORPUS_ASKED") if name in os.environ}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, users: dict[str, str]) -> dict[str, list[Difference]]:
    """What differs in each workspace: all of them are in one checkout."""
    folder = tmp_path_factory.mktemp("corpus")
    tree = copy_tree(folder / "checkout", str(folder / "cache"))
    write_targets(tree)
    for workspace in all_workspaces.BUILT.values():
        write(workspace, tree.root)
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
    names = (name for each in workspaces for name in each.programs)
    built = tree.build(f"profile={profile}", "--all-outputs", *names)
    assert all(f"warning: {name} " in built.stderr for name in IGNORED), built.stderr
    planner = planners.opened(tree.root, profile=profile)
    for name, words in (item for each in workspaces for item in each.programs.items()):
        planner.programs.select(name, selected_by(words.split()))  # as its SConscript does
    return {
        workspace.name: [
            invocations.of_log(tree.root, planner.paths, planner.plan(*asked))
            for program in workspace.programs
            for asked in planner.programs.ids([program])
        ]
        for workspace in workspaces
    }


def selected_by(words: list[str]) -> Selection:
    """Read the features that cargo's words select."""
    names = words[words.index("--features") + 1].split(",") if "--features" in words else ()
    return Selection(tuple(names), "--no-default-features" not in words)


@pytest.mark.parametrize("name", all_workspaces.BUILT)
def test_rustc_and_scripts_are_given_what_cargo_gives_them(name: str, found: dict[str, list[Difference]]) -> None:
    assert [str(each) for each in found[name] if each.row not in differences.ACCEPTED] == []


def test_stds_crates_are_given_what_cargo_gives_them(first: Tree, users: dict[str, str], tmp_path: Path) -> None:
    planner = planners.opened(first.root)
    chosen = planner.tools.toolchain
    vendor = std_crates.vendor(chosen.rust_src)
    source = std_crates.redirect(vendor) if vendor else ()
    found: list[Difference] = []
    for program, target in sorted(planner.programs.ids(["hello-rs", "hello-std"])):
        words = (*source, "--profile", "release", "--package", program, "--bin", program)
        place, scratch = first.root / "user-rs", tmp_path / program
        theirs = invocations.of_cargo(recording_cargo.build(chosen, place, scratch, *words, users=users), chosen.rustc)
        ours = invocations.of_log(first.root, planner.paths, planner.plan(program, target))
        found += differences.between(theirs, ours, users)
    accepted = differences.ACCEPTED | differences.OF_STD
    assert [str(each) for each in found if each.row not in accepted] == []
    assert differences.OF_STD.keys() - {each.row for each in found} == set()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, users: dict[str, str]) -> Tree:
    """A checkout for one workspace after the other."""
    assert users
    tree = copy_tree(tmp_path_factory.mktemp("refusing") / "checkout", "off")
    write_targets(tree)
    return tree


@pytest.mark.parametrize("name", all_workspaces.REFUSED)
def test_what_this_build_has_no_way_for_is_refused_by_name(name: str, refusing: Tree) -> None:
    workspace = all_workspaces.REFUSED[name]
    write(workspace, refusing.root)
    refused = refusing.scons(name)
    shutil.rmtree(refusing.root / name)
    assert refused.code == 2, refused.stderr
    assert refused.stderr.count("error: ") == 1
    assert workspace.refused in refused.stderr


CHECKED = ("features", "each-alone", *(next(each.name for each in module.ALL) for module in all_workspaces.OTHERS))
"""Workspaces of which the checks are compared too: some for each group."""


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory, users: dict[str, str]) -> Tree:
    """A checkout with those workspaces, in which nothing is built."""
    assert users
    tree = copy_tree(tmp_path_factory.mktemp("checking") / "checkout", "off")
    write_targets(tree)
    for name in CHECKED:
        write(all_workspaces.BUILT[name], tree.root)
    return tree


@pytest.mark.parametrize("name", CHECKED)
def test_a_check_gives_rustc_what_cargos_check_gives_it(
    name: str, checking: Tree, users: dict[str, str], tmp_path: Path
) -> None:
    workspace = all_workspaces.BUILT[name]
    for program, words in workspace.programs.items():
        planner = planners.opened(checking.root, profile=workspace.profile)
        planner.programs.select(program, selected_by(words.split()))
        asked = ("--profile", workspace.profile, *words.split())
        place, chosen = checking.root / name, planner.tools.toolchain
        cargo = recording_cargo.build(chosen, place, tmp_path / program, *asked, users=users, verb="check")
        (id_,) = planner.programs.ids([program])
        both = beside_cargo.Both(cargo, planner, planner.plan_part(layout.CHECK, *id_))
        checked = 0
        for crate, theirs, unit in both.compilations():
            if unit.kind is UnitKind.CHECK:
                ours = arguments_of([planner.paths.expand(word) for word in unit.arguments])
                # what its script says is added to the action, but for words to a linker: a check links nothing
                of_script = {"--cfg", "--check-cfg", "-l", "-C link-arg"} if unit.run else set()
                lacking = [each for each in arguments_of(theirs.arguments) if each not in ours]
                assert [each for each in lacking if each[0] not in of_script] == [], crate
                assert [each for each in ours if each not in arguments_of(theirs.arguments)] == [], crate
                checked += 1
        assert checked


def test_each_accepted_difference_is_one(found: dict[str, list[Difference]]) -> None:
    seen = {each.row for differing in found.values() for each in differing}
    assert differences.ACCEPTED.keys() - seen == set()


MANUAL = (PROJECT / "docs/manual.md").read_text(encoding="utf-8")
OF_OTHER_TESTS = {
    "`[unstable] build-std`, `build-std-features`": "std's crates below",
    "`-L native=…/sysroot/TARGET/lib` in rustflags": "test_script_words_real.py",
    "`RUSTFLAGS`, `CARGO_ENCODED_RUSTFLAGS`, `CARGO_BUILD_RUSTFLAGS`, `CARGO_BUILD_WARNINGS`, `CARGO_PROFILE_*`,"
    " `CARGO_UNSTABLE_*`, `CARGO_TARGET_*_RUSTFLAGS`, `…_LINKER`": "IGNORED",
    "other variables of cargo that change a build": "DROPPED",
    "programs of one name in several packages, or called `units`": "test_selection_real.py",
}
"""Rows of the manual's table that need no workspace of their own, by who tests them."""


def test_each_row_of_the_manual_has_a_workspace() -> None:
    table = MANUAL[MANUAL.index("### What cargo's files mean here") :].split("\n\n")[1]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]]
    assert {workspace.row for workspace in all_workspaces.ALL} | OF_OTHER_TESTS.keys() == set(rows)
    assert not {workspace.row for workspace in all_workspaces.ALL} & OF_OTHER_TESTS.keys()
