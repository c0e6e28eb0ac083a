from __future__ import annotations

import json
from typing import TYPE_CHECKING

import model_checkout as model
from model_facts import ModelFacts
from msgspec.structs import replace

from ostoo_build.planning.test_plan import PlannedExecutable
from ostoo_build.query import evaluation, graph

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_program_needs_is_what_it_is_planned_from(tmp_path: Path) -> None:
    model.create(tmp_path)
    programs = model.plan(tmp_path)
    found = graph.of(programs.values(), ())
    for name, program in programs.items():
        deps = evaluation.evaluate(found, f"deps({name})", ModelFacts())
        ids = {id_: labels for id_, labels in found.names.items() if id_ in {unit.id for unit in program.units}}
        assert set(deps) == {label for labels in ids.values() for label in labels}
        assert len(deps) == len(program.units)


def test_units_of_one_name_are_told_apart_by_features_then_by_id(tmp_path: Path) -> None:
    each = {"needs": [], "flags": [], "features": [], "is_program": False}
    a, b, c = ("a", "b", "c")
    described = {name: {**each, "features": ["loud"] if name == a else []} for name in (a, b, c)} | {
        "p": {**each, "needs": [a, b, c], "is_program": True}
    }
    model.write(tmp_path, "plan.json", json.dumps(described))
    (program,) = model.plan(tmp_path).values()
    same = replace(program, units=(*(replace(unit, label="same v1") for unit in program.units[:-1]), program.units[-1]))
    labels = list(graph.of([same], ()).nodes)
    assert labels[0] == "same v1 [loud]"
    assert all(label.startswith("same v1 [no features] #") for label in labels[1:3])
    assert len(set(labels)) == len(same.units)
    assert graph.of([same], ()).names["same"] == tuple(labels[:3])


def test_tests_are_nodes_above_what_they_are_made_of_and_start(tmp_path: Path) -> None:
    model.create(tmp_path)
    programs = model.plan(tmp_path)
    one = programs["one"]
    tested = replace(one.unit, id="one-test")
    made = replace(one, name="one.tests/bin-one", units=(*one.units[:-1], tested))
    found = graph.of(programs.values(), [PlannedExecutable(made, "main.rs", has_harness=True, programs=("two",))])
    facts = ModelFacts()
    assert set(evaluation.evaluate(found, "kind(test, rdeps(two))", facts)) == {made.name}
    assert set(evaluation.evaluate(found, "one.tests", facts)) == {made.name}
    assert set(evaluation.evaluate(found, "tests(one)", facts)) == {made.name}
    assert set(evaluation.evaluate(found, "tests(two)", facts)) == set()
    assert set(evaluation.evaluate(found, "kind(program, rdeps(gen))", facts)) == {"one"}
