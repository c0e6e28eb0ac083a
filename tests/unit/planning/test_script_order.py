from __future__ import annotations

from itertools import pairwise

import planned_trees as trees
import pytest
from msgspec.structs import replace
from planned_trees import node

from ostoo_build.planning import script_order, unit_graph

(GRAPH,) = unit_graph.parse((trees.DATA / "unit_graph_hello_rs.json").read_text())
LIBRARY = next(unit for unit in GRAPH.units if unit.kind == "lib")
RUN = replace(LIBRARY, kind="custom-build", crate_types=("bin",), mode="run-custom-build")
MACRO = replace(LIBRARY, kind="proc-macro", crate_types=("proc-macro",), platform=None)


@pytest.mark.parametrize(
    "rising",
    [
        ("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"),
        ("0.9.0", "0.10.0", "1.0.0", "1.0.1-rc.1", "1.0.1"),
        ("1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a"),
    ],
)
def test_versions_are_ordered_as_semver_orders_them(rising: tuple[str, ...]) -> None:
    ranks = [script_order.rank(node(LIBRARY, version=version)) for version in rising]
    assert all(lower < higher for lower, higher in pairwise(ranks)), rising


def test_a_name_comes_before_a_version_and_a_place_last() -> None:
    rising = [("a", "1.0.0", "z"), ("a", "2.0.0", "a"), ("a", "2.0.0", "b"), ("b", "1.0.0", "a")]
    nodes = [node(replace(LIBRARY, pkg_id=place), name=name, version=version) for name, version, place in rising]
    assert all(lower < higher for lower, higher in pairwise(map(script_order.rank, nodes)))


def test_a_units_own_script_comes_first_then_those_below_by_rank() -> None:
    own, first, shared, last = (node(RUN) for _ in range(4))
    one, two = node(LIBRARY, first, shared, name="z"), node(LIBRARY, shared, last, name="b")
    assert node(LIBRARY, one, own, two).linked == (own, shared, last, first)


def test_a_run_hears_of_none_and_a_macro_hands_none_on() -> None:
    run = node(RUN)
    assert node(RUN, node(LIBRARY, run)).linked == ()
    assert node(LIBRARY, node(MACRO, run)).linked == ()
    assert node(LIBRARY, node(LIBRARY, run)).linked == (run,)
