"""Queries on generated graphs against a naive model of sets and paths."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_facts import ModelFacts

from ostoo_build.base.errors import OstooError
from ostoo_build.query import evaluation, outputs
from ostoo_build.query.graph import Graph, Node

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS = ("a", "b", "c", "d", "e", "f")
KINDS = ("library", "program", "build-script")
SETS: dict[str, Callable[[set[str], set[str]], set[str]]] = {
    "union": lambda left, right: left | right,
    "except": lambda left, right: left - right,
    "intersect": lambda left, right: left & right,
}


def evaluate(graph: Graph, query: str) -> dict[str, None]:
    return evaluation.evaluate(copy.deepcopy(graph), query, ModelFacts())


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs without a circle: a label needs later ones only."""
    needs = {
        label: tuple(draw(st.lists(st.sampled_from(LABELS[at + 1 :]), unique=True))) if LABELS[at + 1 :] else ()
        for at, label in enumerate(LABELS)
    }
    nodes = {label: Node(label, draw(st.sampled_from(KINDS))) for label in LABELS}
    return Graph(nodes, needs, {label: (label,) for label in LABELS})


def steps(graph: Graph, start: set[str], depth: int = len(LABELS)) -> set[str]:
    found = set(start)
    for _ in range(depth):
        found |= {other for at in found for other in graph.needs[at]}
    return found


def paths(graph: Graph, start: str, goal: str) -> list[list[str]]:
    if start == goal:
        return [[start]]
    return [[start, *path] for other in graph.needs[start] for path in paths(graph, other, goal)]


@st.composite
def queries(draw: st.DrawFn, depth: int = 3) -> tuple[str, object]:
    """A query as text, and as what the model evaluates."""
    shape = draw(st.sampled_from(("name", "set", *SETS, "deps", "rdeps", "let") if depth else ("name", "set")))
    if shape == "name":
        name = draw(st.sampled_from(LABELS))
        return name, {name}
    if shape == "set":
        names = draw(st.lists(st.sampled_from(LABELS)))
        return f"set({' '.join(names)})", set(names)
    first = draw(queries(depth - 1))
    if shape == "let":
        return f"let v = {first[0]} in ($v + $v)", first[1]
    if shape in ("deps", "rdeps"):
        return f"{shape}({first[0]})", (shape, first[1])
    second = draw(queries(depth - 1))
    return f"(({first[0]}) {shape} ({second[0]}))", (shape, first[1], second[1])


def model(graph: Graph, asked: object) -> set[str]:
    match asked:
        case set():
            return set(map(str, asked))
        case ("deps", of):
            return steps(graph, model(graph, of))
        case ("rdeps", of):
            goal = model(graph, of)
            return {label for label in LABELS if steps(graph, {label}) & goal}
        case (str() as shape, left, right):
            return SETS[shape](model(graph, left), model(graph, right))
    raise AssertionError(asked)


@given(graphs(), queries())
def test_sets_are_those_of_the_model(graph: Graph, asked: tuple[str, object]) -> None:
    assert set(evaluate(graph, asked[0])) == model(graph, asked[1])


@given(graphs(), st.sampled_from(LABELS), st.integers(0, 4))
def test_depths_count_steps(graph: Graph, start: str, depth: int) -> None:
    assert set(evaluate(graph, f"deps({start}, {depth})")) == steps(graph, {start}, depth)
    users = {label for label in LABELS if start in steps(graph, {label}, depth)}
    assert set(evaluate(graph, f"rdeps(all, {start}, {depth})")) == users


@given(graphs(), st.sampled_from(LABELS), st.sampled_from(LABELS))
def test_paths_are_those_of_the_model(graph: Graph, start: str, goal: str) -> None:
    known = paths(graph, start, goal)
    one = list(evaluate(graph, f"somepath({start}, {goal})"))
    assert (one in known) if known else one == []
    assert len(one) == min(map(len, known), default=0)
    everything = set(evaluate(graph, f"allpaths({start}, {goal})"))
    assert everything == {label for path in known for label in path}


@given(graphs(), st.sampled_from(LABELS))
def test_a_universe_bounds_users(graph: Graph, top: str) -> None:
    found = set(evaluate(graph, f"rdeps({top}, f)"))
    assert found == {label for label in steps(graph, {top}) if "f" in steps(graph, {label})}


@given(graphs())
def test_kinds_are_filtered_by_a_regular_expression(graph: Graph) -> None:
    found = evaluate(graph, 'kind("^(library|program)$", all)')
    assert set(found) == {label for label in LABELS if graph.nodes[label].kind != "build-script"}


@given(graphs(), st.sampled_from(LABELS))
def test_files_are_nodes_of_their_own(graph: Graph, top: str) -> None:
    below = steps(graph, {top})
    assert set(evaluate(graph, f"inputs(deps({top}))")) == {f"{label}.rs" for label in below} | {"Cargo.toml"}
    assert set(evaluate(graph, f"outputs({top}) + {top}")) == {f"{top}.o", top}
    assert set(evaluate(graph, f"inputs({top}) ^ inputs(all)")) == {f"{top}.rs", "Cargo.toml"}
    assert set(evaluate(graph, "kind(file, inputs(a) + a)")) == {"a.rs", "Cargo.toml"}
    assert set(evaluate(graph, "inputs(outputs(a)) + (all)")) == set(LABELS)


def test_what_is_affected_is_a_set_as_others() -> None:
    graph = Graph({label: Node(label, "program") for label in LABELS}, dict.fromkeys(LABELS, ()), {"a": ("a",)})
    assert list(evaluate(graph, "affected(a.rs, b.rs, c.rs) - a")) == ["b"]


def test_features_are_shown_as_trees_of_who_turned_them_on() -> None:
    graph = Graph({"a": Node("a", "program")}, {"a": ()}, {"a": ("a",)})
    found = evaluation.evaluate(graph, "features(a, p) + a", ModelFacts())
    assert outputs.write("text", graph, found) == "p/x\n└── line of a\nprogram a\n"
    assert outputs.write("label", graph, found) == "p/x\nline of a\na\n"
    assert '"p/x" -> "line of a";' in outputs.write("dot", graph, found)


@pytest.mark.parametrize(
    ("query", "may"),
    [
        ("deps(a) - b", False),
        ("rdeps(a, b)", False),
        ("rdeps(a, 2)", True),
        ("deps(all)", True),
        ("let v = rdeps(a) in deps(b)", True),
        ("inputs(set(a b.tests))", True),
        ("kind(test, tests(a))", True),
        ("affected(a.rs)", True),
    ],
)
def test_tests_are_planned_where_a_query_may_find_one(query: str, may: bool) -> None:  # noqa: FBT001 - a row of a table
    assert evaluation.may_find_tests(query) == may


SMALL = Graph(
    {label: Node(label, "library") for label in ("hello", 'a "b"')},
    {"hello": ('a "b"',), 'a "b"': ()},
    {"hello": ("hello",), "a": ('a "b"',)},
)


@pytest.mark.parametrize(
    ("query", "said", "remedy"),
    [
        ("dep(hello)", "there is no function dep, at position 1", "did you mean deps?"),
        ("deps(helo)", "there is no program, test or unit helo, at position 6", "did you mean hello?"),
        ("deps(hello, x)", "a depth is not a number, at position 13", ""),
        ("deps(hello, 1, 2)", "deps is written deps(X) or deps(X, DEPTH), at position 1", ""),
        ("let v = a in $w", "there is no variable $w, at position 14", ""),
        ("kind('(', a)", "( is not a regular expression", ""),
    ],
)
def test_a_mistake_is_named_with_its_position(query: str, said: str, remedy: str) -> None:
    with pytest.raises(OstooError) as refused:
        evaluate(SMALL, query)
    assert refused.value.what.startswith(said)
    assert refused.value.remedy == remedy


def test_each_form_has_all_labels() -> None:
    found = evaluate(SMALL, "deps(hello)")
    assert outputs.write("label", SMALL, found) == 'hello\na "b"\n'
    assert outputs.write("text", SMALL, found) == 'library hello\nlibrary a "b"\n'
    assert outputs.write("dot", SMALL, found).splitlines()[3] == '  "hello" -> "a \\"b\\"";'
    assert outputs.write("mermaid", SMALL, found).splitlines()[2:] == ['  n1["a #quot;b#quot;"]', "  n0 --> n1"]
    document = json.loads(outputs.write("json", SMALL, found))
    assert document["format"] == 1
    assert document["nodes"][0] == {"label": "hello", "kind": "library", "features": [], "needs": ['a "b"']}
