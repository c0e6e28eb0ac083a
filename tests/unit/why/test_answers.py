"""Answers of builds by the fake compiler: what people read, and the same as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import model_checkout as model
import msgspec
import pytest
from model_builds import Builds
from model_checkout import PROGRAMS, Request
from msgspec.structs import replace

from ostoo_build.actions.action_log import Difference, Part
from ostoo_build.base import layout, state_file
from ostoo_build.start import null_build
from ostoo_build.why import about_files, about_programs, about_units, answers, build_notes, history, texts
from ostoo_build.why.answers import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.why.answers import Answer

GRAPH: dict[str, dict[str, Any]] = {
    "rt": {"needs": [], "features": ["loud"], "flags": ["-g"], "is_program": False},
    "plain": {"needs": [], "features": [], "flags": ["-g"], "is_program": False},
    "one": {"needs": ["rt"], "features": [], "flags": ["-g"], "is_program": True},
    "two": {"needs": ["rt", "plain"], "features": [], "flags": ["-g"], "is_program": True},
}


class Tree:
    """A checkout of the generated graph above."""

    def __init__(self, folder: Path, builds: Builds) -> None:
        self.root, self.builds = folder / "checkout", builds
        model.create(self.root)
        self.plan(GRAPH)
        for name, each in GRAPH.items():
            self.write(f"user-rs/{name}/src/{'main' if each['is_program'] else 'lib'}.rs", "pub a")
            self.write(f"user-rs/{name}/README.md", name)

    def write(self, name: str, text: str) -> None:
        model.write(self.root, name, text)

    def plan(self, graph: dict[str, dict[str, Any]]) -> None:
        self.write("plan.json", json.dumps(graph))

    def build(self, *programs: str, variables: dict[str, str] | None = None) -> int:
        cache = str(self.root.parent / "cache")
        (answer,) = self.builds.ask(Request(str(self.root), cache, programs or PROGRAMS, variables or {}))
        code: int = answer["code"]
        return code

    def of(self, program: str) -> Answer:
        published = layout.program(model.TARGET, "release", program)
        return about_programs.answer(history.read(self.root), program, published)

    def of_file(self, name: str) -> Answer:
        return about_files.answer(history.read(self.root), self.root, name)

    def of_units(self, name: str) -> list[Answer]:
        return about_units.answer(history.read(self.root), name)


@pytest.fixture(scope="module")
def builds() -> Iterator[Builds]:
    made = Builds()
    yield made
    made.close()


@pytest.fixture
def tree(tmp_path: Path, builds: Builds) -> Tree:
    return Tree(tmp_path, builds)


def lines(*answers: Answer) -> list[str]:
    """What people read, without the times."""
    said = texts.show(answers).splitlines()
    return [line.partition(" at 20")[0] if " at 20" in line else line for line in said]


def test_what_was_never_built_is_told(tree: Tree) -> None:
    assert lines(tree.of("one")) == ["one was never built here"]


def test_a_first_build_has_no_causes(tree: Tree) -> None:
    tree.build()
    found = tree.of("one")
    assert (found.verdict, found.causes, found.programs) == (Verdict.BUILT, (), ())
    assert [step.name for step in found.steps][:3] == ["target model", "rt v1", "one v1"]
    assert lines(found)[1] == "  nothing that it is made of is known to have changed"


def test_the_cause_comes_first_then_what_followed_then_who_was_not_reached(tree: Tree) -> None:
    tree.build()
    tree.write("user-rs/plain/src/lib.rs", "pub b")
    tree.build()
    said = lines(tree.of("two"))
    assert said[0] == "two was built in the last build, of one two"
    assert said[1].startswith("  user-rs/plain/src/lib.rs changed: ")
    assert said[2:4] == ["  -> plain v1: run here", "  -> two v1, because of plain v1: run here"]
    current = lines(tree.of("one"))
    assert current[:2] == [
        "one was up to date in the last build, of one two",
        "  user-rs/plain/src/lib.rs changed, but nothing of it is near",
    ]
    assert current[2] == "one was built in an earlier build, of one two"


def test_a_program_of_another_profile_is_not_told_of(tree: Tree) -> None:
    tree.build()
    known, published = history.read(tree.root), layout.program(model.TARGET, "release", "one")
    unread = Difference(Part.FILE, "user-rs/rt/README.md", "1", "2")
    other = replace(known.programs[layout.program(model.TARGET, "release", "two")], unread={unread.name: "1"})
    nothing = replace(known.builds[0], decided=())
    for profile, told in (("release", ["two"]), ("dev", [])):
        programs = {published: known.programs[published], layout.program(model.TARGET, profile, "two"): other}
        found = answers.others(replace(known, programs=programs), nothing, published, unread)
        assert [each.program for each in found] == told


def test_a_program_of_the_cache_has_causes_and_no_steps(tree: Tree) -> None:
    tree.build()
    tree.write("user-rs/rt/src/lib.rs", "pub b")
    tree.build()
    tree.write("user-rs/rt/src/lib.rs", "pub a")
    tree.build()
    found = tree.of("one")
    assert (found.verdict, found.steps) == (Verdict.RESTORED, ())
    assert [each.name for each in found.causes] == ["user-rs/rt/src/lib.rs"]
    assert lines(found)[0] == "one was restored as a whole in the last build, of one two"
    assert lines(found)[2] == "  the same cause reached two"


def test_a_failure_is_told_and_the_next_build_is_compared_with_it(tree: Tree) -> None:
    tree.build()
    main = tree.root / "user-rs/one/src/main.rs"
    main.unlink()
    assert tree.build("one") == 2
    failed = tree.of("one")
    assert failed.verdict is Verdict.FAILED
    assert [(each.name, each.second) for each in failed.causes] == [("user-rs/one/src/main.rs", "")]
    tree.write("user-rs/one/src/main.rs", "pub a")
    assert tree.build("one") == 0
    again = tree.of("one")
    assert again.verdict is Verdict.UP_TO_DATE, "the sources are back, and the program is still there"
    assert again.before is not None
    assert again.before.verdict is Verdict.FAILED
    main.unlink()
    assert tree.build("one") == 2
    tree.write("user-rs/one/src/main.rs", "pub b")
    assert tree.build("one") == 0
    made = tree.of("one")
    assert (made.verdict, [each.first for each in made.causes]) == (Verdict.BUILT, [""])


def test_features_and_a_new_crate_are_causes_with_both_values(tree: Tree) -> None:
    tree.build()
    tree.plan({**GRAPH, "rt": {**GRAPH["rt"], "features": ["loud", "more"]}})
    tree.build()
    assert lines(tree.of("one"))[1] == "  features of rt v1 changed: loud -> loud, more"
    tree.plan({**GRAPH, "one": {**GRAPH["one"], "needs": ["rt", "plain"]}})
    tree.build()
    assert "  plain v1 is new among its crates (features: none)" in lines(tree.of("one"))


def test_many_units_with_the_same_change_of_flags_are_one_line(tree: Tree) -> None:
    tree.build()
    tree.plan({name: {**each, "flags": ["-g", "-O"]} for name, each in GRAPH.items()})
    tree.build()
    assert lines(tree.of("two"))[1] == "  flags of plain v1 and 2 more changed: (nothing) -> -O"


def test_a_unit_is_told_with_what_followed(tree: Tree) -> None:
    tree.build()
    tree.write("user-rs/rt/src/lib.rs", "pub b")
    tree.build()
    (found,) = tree.of_units("rt")
    assert [each.name for each in found.causes] == ["user-rs/rt/src/lib.rs"]
    assert {"one v1", "two v1"} <= {step.name for step in found.steps}
    assert {each.program for each in found.programs} == {"one", "two"}
    (user,) = tree.of_units("one")
    assert (user.causes, user.because) == ((), ("rt v1",))
    assert lines(user)[1] == "  because of rt v1"


def test_a_unit_with_other_flags_is_told_by_the_plan(tree: Tree) -> None:
    tree.build()
    tree.plan({**GRAPH, "rt": {**GRAPH["rt"], "flags": ["-g", "-O"]}})
    tree.build()
    first, second = tree.of_units("rt")
    assert [each.name for each in first.causes] == ["flags of rt v1"]
    assert (first.is_latest, second.is_latest) == (True, False)


def test_a_file_is_told_by_what_its_last_change_did(tree: Tree) -> None:
    name = "user-rs/rt/src/lib.rs"
    tree.build()
    assert tree.of_file(name).verdict is Verdict.UNCHANGED
    assert lines(tree.of_file(name)) == [f"{name} is read by one, two, and has not changed since they were made"]
    tree.write(name, "pub b")
    assert tree.of_file(name).verdict is Verdict.CHANGED_SINCE
    tree.build("one")
    said = lines(tree.of_file(name))
    assert said[0] == f"{name} changed before the last build, of one"
    assert said[2:4] == ["  -> rt v1: run here", "  -> one v1, because of rt v1: run here"]
    assert "  one was built from its parts" in said


def test_a_file_that_nothing_reads_is_told_so(tree: Tree) -> None:
    tree.build()
    name = "user-rs/rt/README.md"
    assert lines(tree.of_file(name)) == [
        f"no program reads {name}: an edit of it builds nothing",
        "  one not: it does not read the file",
        "  two not: it does not read the file",
    ]
    tree.write(name, "edited")
    tree.build()
    assert tree.of_file(name).verdict is Verdict.UNREAD
    assert tree.of_file("elsewhere.txt").verdict is Verdict.UNREAD


def test_a_variable_is_told_by_digests(tree: Tree) -> None:
    tree.write("user-rs/one/src/main.rs", "ONE_WORD")
    tree.build(variables={"ONE_WORD": "secret"})
    tree.build(variables={"ONE_WORD": "other"})
    (line,) = lines(tree.of("one"))[1:2]
    assert line.startswith("  the variable ONE_WORD changed: ")
    assert "secret" not in msgspec.json.encode(tree.of("one")).decode()


def test_a_null_build_is_the_last_one_until_something_is_decided(tree: Tree) -> None:
    tree.build()
    asked = null_build.ask(["one", "profile=release"])
    published = {str(tree.root / layout.program(model.TARGET, "release", "one")): None}
    note = null_build.Note(asked, null_build.StampSet((), {**published, "/elsewhere": None}, []), ["one"], "")
    state_file.write(null_build.place(str(tree.root), asked), note.to_bytes())
    began = history.read(tree.root).builds[0].began
    null_build.remember(str(tree.root), asked, began + 1)
    assert lines(tree.of("one"))[:2] == [
        "one was up to date in the last build, of one",
        "one was built in an earlier build, of one two",
    ]
    assert lines(tree.of("two"))[0] == "two was built in an earlier build, of one two"
    tree.write("user-rs/rt/src/lib.rs", "pub b")
    tree.build()
    assert lines(tree.of("one"))[0] == "one was built in the last build, of one two"


def test_what_was_not_finished_when_a_build_was_stopped_did_not_fail(tree: Tree) -> None:
    tree.build()
    tree.write("user-rs/rt/src/lib.rs", "pub b")
    tree.build()
    stopped, *former = build_notes.read(tree.root)
    undone = tuple(replace(each, is_failed=True) for each in stopped.decided)
    build_notes.add(tree.root, replace(stopped, began=stopped.began + 1, decided=undone, is_stopped=True))
    said = lines(tree.of("one"))
    assert said[0].startswith("one was stopped in the last build, of one two")
    assert "  -> rt v1: was not finished" in [line.partition(";")[0] for line in said]
    assert former
