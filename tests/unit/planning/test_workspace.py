from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import fake_cargo
import fake_toolchains as fake
import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.base import stamps, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning import answers
from ostoo_build.planning.answers import Question
from ostoo_build.planning.memos import KEPT, Memos
from ostoo_build.planning.plan import WHOLE
from ostoo_build.planning.workspace import Rustc, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fake_cargo import FakeCargo

    from ostoo_build.planning.cargo import Binary
    from ostoo_build.planning.plan import Program


LATER = f"sleep {2 * stamps.TICK / 1e9}"
"""A change by then has a later time than what cargo began with, whose clock may be a tick ahead of the files'."""

ASKED = 3 * "asked\n"
"""Of the target, as it is compiled for and as build scripts are told, and of the host."""


@pytest.fixture
def made(tmp_path: Path) -> FakeCargo:
    fake.script(tmp_path / "rustc", f"echo asked >> '{tmp_path}/rustc-asked'", *(f"echo '{c}'" for c in trees.CFGS))
    fake.write(tmp_path / f"os/targets/{trees.TARGET}.json", "{}")
    return fake_cargo.make(tmp_path)


def workspace(made: FakeCargo, tools: str = "0" * 64, target: str = "1" * 64) -> Workspace:
    rustc = Rustc(made.folder / "rustc", {"PATH": "/usr/bin:/bin"}, "x86_64-unknown-linux-gnu", tools)
    path = made.folder / f"os/targets/{trees.TARGET}.json"
    return Workspace(made.cargo, rustc, path, target, None, made.paths, memos(made), Snapshot())


def memos(made: FakeCargo) -> Memos:
    return Memos(made.folder / "os/build/.ostoo")


def plan(made: FakeCargo, program: Binary, profile: str = "release", **other: str) -> Program:
    """As a session plans: what is remembered serves."""
    found = workspace(made, **other)
    return found.remembered(WHOLE, program, profile) or found.plan(WHOLE, [program], profile)[program.name]


def binary(made: FakeCargo, name: str = "hello-std") -> Binary:
    return {each.name: each for each in workspace(made).binaries()}[name]


def test_a_plan_is_made_once_and_remembered_as_it_was(made: FakeCargo) -> None:
    program = binary(made)
    made.asked()
    first = plan(made, program)
    configured, planned = made.asked()
    assert " config get " in configured
    assert planned.startswith("--config unstable.json-target-spec=true build --unit-graph ")
    assert plan(made, program) == first
    assert made.asked() == []
    assert (made.folder / "rustc-asked").read_text() == ASKED


def test_the_programs_are_asked_for_once(made: FakeCargo) -> None:
    first = workspace(made).binaries()
    assert len(made.asked()) == 1
    assert workspace(made).binaries() == first
    assert made.asked() == []


def edit_manifest(folder: Path) -> None:
    with (folder / "hello-std/Cargo.toml").open("a") as stream:
        stream.write("[dependencies]\n")


def edit_dependency(folder: Path) -> None:
    with (folder / "rt/Cargo.toml").open("a") as stream:
        stream.write("[dependencies]\n")


def edit_lock(folder: Path) -> None:
    fake.write(folder / "Cargo.lock", "version = 4")


def configure(folder: Path) -> None:
    fake.write(folder.parent / ".cargo/config.toml", "[build]")


def do_without_std(folder: Path) -> None:
    fake.write(folder / "hello-std/src/main.rs", "#![no_std]")


def name_a_crate(folder: Path) -> None:
    fake.write(folder / "rt/src/more.rs", "extern crate std;")


def add_source(folder: Path) -> None:
    fake.write(folder / "hello-std/src/lib.rs", "")


def edit_source(folder: Path) -> None:
    fake.write(folder / "hello-std/src/main.rs", "fn main() { println!() }")


CHANGES = [edit_manifest, edit_dependency, edit_lock, configure, do_without_std, name_a_crate, add_source]


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_plan_was_made_from_makes_it_anew(change: Callable[[Path], None], made: FakeCargo) -> None:
    program = binary(made)
    plan(made, program)
    change(made.cargo.workspace)
    made.asked()
    plan(made, program)
    assert made.asked()


def test_an_edit_of_code_does_not_ask_cargo(made: FakeCargo) -> None:
    program = binary(made)
    plan(made, program)
    made.asked()
    edit_source(made.cargo.workspace)
    plan(made, program)
    assert made.asked() == []


@pytest.mark.parametrize("other", [{"tools": "2" * 64}, {"target": "2" * 64}])
def test_another_toolchain_or_target_plans_anew(other: dict[str, str], made: FakeCargo) -> None:
    program = binary(made)
    plan(made, program)
    made.asked()
    plan(made, program, **other)
    assert made.asked()
    assert (made.folder / "rustc-asked").read_text() == 2 * ASKED


def test_each_profile_and_program_has_its_plan(made: FakeCargo) -> None:
    std, rs = plan(made, binary(made)), plan(made, binary(made, "hello-rs"))
    assert (std.name, rs.name) == ("hello-std", "hello-rs")
    made.asked()
    plan(made, binary(made), "dev")
    assert "--profile dev" in made.asked()[-1]
    assert plan(made, binary(made, "hello-rs")) == rs


def test_a_crate_that_is_gone_from_cargos_home_is_asked_for_again(made: FakeCargo) -> None:
    """Cargo downloads it when it is asked; a user who cleans up that folder would have no build else."""
    place = made.folder / "cargo/registry/src/index/ostoo-rt-0.1.0"
    place.parent.mkdir(parents=True)
    (made.cargo.workspace / "rt").rename(place)
    graph = trees.graph_text(made.paths, "hello-rs").replace(str(made.cargo.workspace / "rt"), str(place))
    made.answer("hello-rs", json.loads(graph))
    program = binary(made, "hello-rs")
    first = plan(made, program)
    made.asked()
    assert plan(made, program) == first
    assert made.asked() == []
    made.meanwhile(f"mv '{made.folder}/kept' '{place}'")
    place.rename(made.folder / "kept")
    assert plan(made, program) == first
    assert any("--unit-graph" in question for question in made.asked())


SEES_STD = {"no_std": False, "named": [], "marks": []}
OTHER_MEMOS: dict[str, dict[str, Any]] = {
    "Memo": {
        "reads": {"contents": {"Cargo.toml": "other"}, "places": {}},
        "variables": {"PATH": "other"},
        "declared": "other",
        "crates": [{"source": "user-rs/rt/src/lib.rs", "features": [], "is_test": False, "view": SEES_STD}],
        "cfgs": [],
        "downloaded": ["@{cargo-home}/registry/src/index/gone-1.0.0/src/lib.rs"],
    },
    "Survey": {"reads": {"contents": {"Cargo.toml": "other"}, "places": {}}},
}
ANSWERS = {"Memo": {"answer"}, "Survey": {"binaries", "declared"}}


@pytest.mark.parametrize("kind", OTHER_MEMOS)
def test_each_field_of_a_memory_decides(kind: str, made: FakeCargo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "damaged", {})
    names = set(vars(answers)[kind].__struct_fields__)
    assert names == {*OTHER_MEMOS[kind], *ANSWERS[kind]}
    fake.write(made.cargo.workspace / "hello-std/src/main.rs", "#![cfg_attr(unix, no_std)]")
    program = binary(made)
    plan(made, program)
    memos = {path: json.loads(state_file.recall_sealed(path) or b"") for path in memory(made)}
    ((path, good),) = ((path, memo) for path, memo in memos.items() if set(memo) == names)
    made.asked()
    for name, other in OTHER_MEMOS[kind].items():
        binary(made)
        plan(made, program)
        assert made.asked() == []
        path.write_bytes(state_file.sealed(json.dumps({**good, name: other}).encode()))
        binary(made)
        plan(made, program)
        assert made.asked(), name
        assert str(path) not in state_file.damaged, name


def test_each_field_of_a_question_decides(made: FakeCargo) -> None:
    asked = Question("plan", "user-rs", "1", "2", "3", "4", "x86_64", "5", "release", "hello", ("--cfg",))
    known = {memos(made).places(asked)[0]}
    for count, name in enumerate(asked.__struct_fields__, 1):
        value = getattr(asked, name)
        changed: Any = (*value, "more") if isinstance(value, tuple) else f"{value}6"
        known.add(memos(made).places(replace(asked, **{name: changed}))[0])
        assert len(known) == count + 1, name


def memory(made: FakeCargo) -> Iterator[Path]:
    return (made.folder / "os/build/.ostoo").iterdir()


def test_who_changes_branches_has_the_plans_of_either(made: FakeCargo) -> None:
    manifest = made.cargo.workspace / "rt/Cargo.toml"
    branches = [manifest.read_text() + f"# branch {number}\n" for number in range(KEPT + 1)]
    for branch in branches:
        manifest.write_text(branch)
        plan(made, binary(made))
    made.asked()
    for branch in (*branches[1:], branches[2]):
        manifest.write_text(branch)
        plan(made, binary(made))
        assert made.asked() == []
    manifest.write_text(branches[0])
    plan(made, binary(made))
    assert made.asked(), "no more are kept than that"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_damaged_memory_costs_time_only(content: bytes, made: FakeCargo) -> None:
    program = binary(made)
    first = plan(made, program)
    for memo in memory(made):
        memo.write_bytes(content)
    assert plan(made, program) == first
    assert workspace(made).binaries()[1] == program


def test_a_source_that_is_gone_is_no_crash_while_remembering(made: FakeCargo) -> None:
    program = binary(made)
    plan(made, program)
    (made.cargo.workspace / "rt/src/lib.rs").rename(made.cargo.workspace / "rt/src/other.rs")
    made.asked()
    with pytest.raises((OstooError, OSError)):
        plan(made, program)
    assert made.asked(), "cargo has the word"


@pytest.mark.parametrize(
    "name", ["user-rs/Cargo.toml", "user-rs/hello-std/Cargo.toml", "user-rs/rt/Cargo.toml", ".cargo/config.toml"]
)
def test_what_was_edited_and_put_back_while_cargo_read_it_makes_no_plan(name: str, made: FakeCargo) -> None:
    path = made.folder / "os" / name
    if not path.exists():
        fake.write(path, "[build]\n")
    program = binary(made)
    made.meanwhile(f"{LATER}; echo '# other' >> '{path}'; sed -i '$d' '{path}'\n")
    with pytest.raises(OstooError, match=f"{path.name} changed while it was being used"):
        plan(made, program)
    memories = len(list(memory(made)))
    made.meanwhile("")
    made.asked()
    plan(made, program)
    assert any("build" in question for question in made.asked()), "nothing was remembered"
    assert len(list(memory(made))) > memories


def test_what_was_edited_and_put_back_while_programs_were_asked_for_is_not_remembered(made: FakeCargo) -> None:
    path = made.cargo.workspace / "rt/Cargo.toml"
    made.meanwhile(f"{LATER}; echo '# other' >> '{path}'; sed -i '$d' '{path}'\n")
    with pytest.raises(OstooError, match=r"rt/Cargo\.toml changed while it was being used"):
        workspace(made).binaries()
    made.meanwhile("")
    made.asked()
    assert workspace(made).binaries()
    assert made.asked()


def test_a_lock_that_was_edited_and_put_back_is_read_again(made: FakeCargo) -> None:
    edit_lock(made.cargo.workspace)
    program = binary(made)
    once, lock = made.folder / "once", made.cargo.workspace / "Cargo.lock"
    made.meanwhile(
        f"case $* in *\\ build\\ *) if [ ! -e '{once}' ]; then {LATER}; touch '{once}' '{lock}'; fi ;; esac\n"
    )
    made.asked()
    plan(made, program)
    assert len([question for question in made.asked() if " build " in question]) == 2


def test_a_target_spec_that_was_edited_and_put_back_is_not_remembered(made: FakeCargo) -> None:
    spec = made.folder / f"os/targets/{trees.TARGET}.json"
    program = binary(made)
    with (made.folder / "rustc").open("a") as script:
        script.write(f"{LATER}; echo '{{}}' > '{spec}'\n")
    before = len(list(memory(made)))
    with pytest.raises(OstooError, match="changed while it was being used"):
        plan(made, program)
    assert len(list(memory(made))) == before


def test_programs_that_ask_the_same_are_one_question(made: FakeCargo) -> None:
    """Cargo's answer has a root for each; what they have in common is planned once."""
    other = json.loads(trees.graph_text(made.paths, "hello-std"))
    (root,) = other["roots"]
    twin = {**other["units"][root], "target": {**other["units"][root]["target"], "name": "hello-rs"}}
    both = {**other, "units": [*other["units"], twin], "roots": [len(other["units"]), root]}
    made.answer("hello-std", both)
    alone = plan(made, binary(made))
    made.asked()
    programs = workspace(made).plan(WHOLE, [binary(made), binary(made, "hello-rs")], "release")
    (asked,) = (question for question in made.asked() if "build" in question)
    assert "--package hello-std --bin hello-std --package hello-rs --bin hello-rs" in asked
    assert programs["hello-std"] == alone
    assert programs["hello-rs"].name == "hello-rs"
    assert programs["hello-rs"].units[-1] != alone.units[-1]
    shared = zip(programs["hello-std"].units[:-1], programs["hello-rs"].units[:-1], strict=True)
    assert all(ours is theirs for ours, theirs in shared)
