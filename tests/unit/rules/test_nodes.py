"""The nodes of a program as values: what comes before what, with a compiler that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import model_checkout as model
import pytest
from msgspec.structs import replace

from ostoo_build.actions.record import Output
from ostoo_build.base import deferred
from ostoo_build.base.errors import OstooError
from ostoo_build.rules import musl_sysroot, nodes, whole_program
from ostoo_build.rules.progress import PendingProgram

if TYPE_CHECKING:
    from pathlib import Path

    from model_checkout import Invoked

    from ostoo_build.rules.nodes import Node

UNITS = "build/model/release/units/one-program"
PROGRAM = "build/model/release/one"


@pytest.fixture
def made(tmp_path: Path) -> Invoked:
    model.create(tmp_path / "checkout")
    checkout = model.checkout_at(tmp_path / "checkout")
    checkout.make_memos()
    return model.invoked(checkout, "off")


def of_program(made: Invoked, *, is_checked: bool = True) -> list[Node]:
    program = model.plan(made.planner.root)["one"]
    made.planner.units.update({unit.id: unit for unit in program.units})
    services = made.services
    pending = PendingProgram(program, None, is_checked=is_checked)
    return list(nodes.of_program(made.planner, services, made.progress, pending))


def after(found: list[Node], name: str) -> set[str]:
    (node,) = {node.name: node for node in found if node.name == name}.values()
    return set(node.after)


def test_each_node_comes_after_what_it_waits_for(made: Invoked) -> None:
    known: set[str] = set()
    for node in of_program(made):
        assert known.issuperset(node.after), node.name
        known.add(node.name)
    assert {PROGRAM, f"{PROGRAM}.debug"} < known


def test_a_library_waits_for_metadata_and_a_link_for_code(made: Invoked) -> None:
    found = of_program(made)
    base = "build/model/release/units/base-library"
    assert f"{base}/metadata" in after(found, "build/model/release/units/gen-library/metadata")
    assert f"{base}/action.json" in after(found, f"{UNITS}/action.json")
    assert after(found, f"{base}/action.json") == {f"{base}/metadata"}
    assert f"{base}/action.json" in after(found, f"{UNITS}/linked/action.json")


def test_a_program_is_published_with_its_symbols_when_it_was_checked(made: Invoked) -> None:
    found = of_program(made)
    linked, check, stripped = (f"{UNITS}/{name}/action.json" for name in ("linked", "check", "stripped"))
    assert after(found, stripped) == {linked}
    assert after(found, check) == {stripped}
    assert after(found, PROGRAM) == after(found, f"{PROGRAM}.debug") == {stripped, check}


def test_without_a_contract_or_for_tests_nothing_is_checked(made: Invoked) -> None:
    assert after(of_program(made, is_checked=False), PROGRAM) == {f"{UNITS}/stripped/action.json"}
    (made.planner.root / "targets/model.loader.json").unlink()
    assert after(of_program(made), PROGRAM) == {f"{UNITS}/stripped/action.json"}


def test_nothing_is_done_before_it_was_made(made: Invoked) -> None:
    told = {node.description for node in of_program(made) if not node.is_done()}
    assert {"check model", "run gen", "link one", "strip one", "check one", f"publish {PROGRAM}"} < told
    assert not [description for description in told if description.startswith("remember")], "nobody wants to read that"


def test_the_sysroot_comes_before_the_link_of_what_uses_std_and_before_nothing_else(
    made: Invoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(musl_sysroot, "key", lambda _targets, _sysroots, target: asked.append(target))
    program = replace(model.plan(made.planner.root)["one"], uses_std=True)
    made.planner.units.update({unit.id: unit for unit in program.units})
    pending = PendingProgram(program, None, is_checked=True)
    found = list(nodes.of_program(made.planner, made.services, made.progress, pending))
    provided = "sysroot/model/action.json"
    assert asked == ["model"], "a word of sysroot= that there is none of is told before anything is built"
    assert [node.name for node in found if provided in node.after] == [f"{UNITS}/linked/action.json"]
    assert {f"{UNITS}/action.json", provided} < after(found, f"{UNITS}/linked/action.json")


def test_nothing_is_compiled_before_the_target_was_checked(made: Invoked) -> None:
    found = of_program(made)
    checked = "build/model/target-spec/action.json"
    late = {node.name for node in found if checked in node.after}
    assert late >= {f"{UNITS}/action.json", "build/model/release/units/base-library/metadata"}
    assert not [name for name in late if name.startswith("build/host/")], "what runs here is for another target"


def test_a_program_is_remembered_once_both_of_its_files_are_there(made: Invoked) -> None:
    program = model.plan(made.planner.root)["one"]
    files, note = (PROGRAM, f"{PROGRAM}.debug"), "build/.ostoo/programs/model/release/one.json"
    assert nodes.names_of(program) == files
    assert nodes.aims_of(made.planner, program) == (*files, note)
    assert after(of_program(made), note) == set(files)


def test_the_last_program_of_an_invocation_is_recorded_when_nobody_waits_any_more(
    made: Invoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[str] = []
    monkeypatch.setattr(whole_program, "remember", lambda *parts: recorded.append(parts[-1].name))
    programs = model.plan(made.planner.root)
    for program in programs.values():
        made.progress.pending[program.id] = PendingProgram(program, None, is_checked=False)
    for program in programs.values():
        made.planner.units.update({unit.id: unit for unit in program.units})
        nodes_of = nodes.of_program(made.planner, made.services, made.progress, made.progress.pending[program.id])
        (node,) = (each for each in nodes_of if each.description.startswith("remember"))
        node.perform()
    assert made.progress.published == made.progress.pending.keys()
    assert recorded == [*programs][:-1]
    deferred.run_afterwards()
    assert recorded == [*programs]


def test_what_builds_remember_may_take_the_place_of_whatever_lies_there(made: Invoked) -> None:
    """The files that people look for may not, and metadata is a name for no file."""
    found = {node.name: node for node in of_program(made)}
    ours = {name for name, node in found.items() if node.is_ours}
    assert {f"{UNITS}/linked/action.json", "build/.ostoo/programs/model/release/one.json"} < ours
    assert not {PROGRAM, f"{PROGRAM}.debug", "build/model/release/units/base-library/metadata"} & ours
    assert found[f"{UNITS}/linked/action.json"].folder == f"{UNITS}/linked"
    assert found[PROGRAM].folder is None
    assert [node.name for node in found.values() if not node.is_file] == [
        "build/model/release/units/base-library/metadata",
        "build/model/release/units/gen-library/metadata",
    ]


def test_a_dry_run_tells_once_of_a_program_that_the_cache_has(made: Invoked) -> None:
    program = model.plan(made.planner.root)["one"]
    first, second = nodes.restored(program)
    assert (first.name, second.name) == (PROGRAM, f"{PROGRAM}.debug")
    assert first.description == "restore one from the action cache"
    assert (first.is_done(), second.is_done()) == (False, True)
    with pytest.raises(AssertionError, match="a dry run performs nothing"):
        first.perform()


@pytest.mark.parametrize(
    ("word", "what", "where"),
    [
        ("a-file", "DEPLOY_DIR=a-file is not a folder", "a-file"),
        ("a-file/below", "DEPLOY_DIR=a-file/below is not a folder", "a-file/below"),
        ("build", "is inside build, which belongs to the build", "build"),
        ("build/x/y", "is inside build, which belongs to the build", "build/x/y"),
        ("link/x", "is inside build, which belongs to the build", "link/x"),
        ("taken", "there is a folder at the path to which one is deployed", "taken/one"),
    ],
)
def test_where_nothing_can_be_deployed_is_told_before_anything_is_built(
    word: str, what: str, where: str, made: Invoked
) -> None:
    root = made.planner.root
    model.write(root, "a-file", "")
    (root / "taken/one").mkdir(parents=True)
    (root / "link").symlink_to("build")
    program = model.plan(root)["one"]
    with pytest.raises(OstooError, match=what) as caught:
        nodes.deploy(made.planner, made.checkout.console, program, word)
    assert caught.value.where == str(root / where)


@pytest.mark.parametrize("word", ["image/bin", "building", "/"])
def test_a_program_is_deployed_after_it_was_published(word: str, made: Invoked) -> None:
    node = nodes.deploy(made.planner, made.checkout.console, model.plan(made.planner.root)["one"], word)
    assert node.after == (PROGRAM,)
    assert node.name == str(made.planner.root / word / "one")
    assert not node.is_done()


@pytest.mark.parametrize(
    ("edited", "is_touched"),
    [
        ("user-rs/a/src/main.rs", True),
        ("user-rs/a/src", True),
        ("user-rs/a", True),
        (".hidden/told", True),
        ("build/one", True),
        ("user-rs/ab/src/main.rs", False),
        ("user-rs", False),
        ("build/two", False),
        (".hidden", False),
    ],
)
def test_a_program_is_touched_by_edits_of_its_sources_and_files(
    edited: str, *, is_touched: bool, tmp_path: Path
) -> None:
    files = {tmp_path / "build/one": Output("", 0, executable=True)}
    program = whole_program.CurrentProgram(files, ("user-rs/a", ".hidden/told"), "")
    assert program.is_touched(tmp_path, ["elsewhere", edited]) == is_touched
