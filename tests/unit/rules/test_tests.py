"""The note with a program's test executables; that they are run is tried in tests/e2e/test_test_real.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import planned_trees as trees
import planners
import pytest
from msgspec.structs import replace

from ostoo_build.base import stamps
from ostoo_build.planning import test_plan
from ostoo_build.rules import tests
from ostoo_build.run import test_list

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.rules.nodes import Node

FOLDER = f"build/{trees.TARGET}/release/hello-rs.tests"


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    return planners.without_compiler(tmp_path / "os", "hello-rs", target=trees.TARGET)


def node(planner: Planner, *sources: str) -> Node:
    program = trees.planned(planner.root.parent / "planned", "hello-rs")
    executables = [
        test_plan.PlannedExecutable(replace(program, name=f"hello-rs.tests/bin-{number}"), source, True, ())  # noqa: FBT003 - a record
        for number, source in enumerate(sources)
    ]
    return tests.node(planner, "hello-rs", trees.TARGET, executables)


def test_the_note_lies_where_who_runs_the_tests_looks_for_it(planner: Planner) -> None:
    assert node(planner).name == tests.path(planner, "hello-rs", trees.TARGET) == f"{FOLDER}/{test_list.NAME}"


def test_the_note_is_written_after_all_that_it_names(planner: Planner) -> None:
    after = node(planner, "src/main.rs", "tests/t.rs").after
    assert {f"{FOLDER}/bin-0", f"{FOLDER}/bin-1"} <= set(after)
    assert node(planner).after == ()


def test_who_runs_the_tests_reads_what_was_noted(planner: Planner) -> None:
    made = node(planner, "src/main.rs", "tests/t.rs")
    assert not made.is_done()
    made.perform()
    assert made.is_done()
    first, second = test_list.load(planner.root / made.name)
    assert (first.file, first.source, first.has_harness) == (f"{FOLDER}/bin-0", "src/main.rs", True)
    assert (second.file, second.source) == (f"{FOLDER}/bin-1", "tests/t.rs")
    assert first.package == "user-rs/hello-rs"


def test_a_note_of_other_tests_is_written_anew_and_the_same_one_is_left(planner: Planner) -> None:
    node(planner, "src/main.rs").perform()
    path = planner.root / node(planner).name
    before = stamps.of(path)
    node(planner, "src/main.rs").perform()
    assert stamps.of(path) == before
    other = node(planner, "tests/t.rs")
    assert not other.is_done()
    other.perform()
    assert [executable.source for executable in test_list.load(path)] == ["tests/t.rs"]
    path.write_bytes(b"damaged")
    assert not other.is_done()
