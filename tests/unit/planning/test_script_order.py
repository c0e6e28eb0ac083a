from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import script_order, unit_graph
from ostoo_build.planning.manifest import Manifest
from ostoo_build.planning.unit_graph import Dependency, Unit

(GRAPH,) = unit_graph.parse((trees.DATA / "unit_graph_hello_rs.json").read_text())
LIBRARY = next(unit for unit in GRAPH.units if unit.kind == "lib")
RUN = replace(LIBRARY, kind="custom-build", crate_types=("bin",), mode="run-custom-build")
MACRO = replace(LIBRARY, kind="proc-macro", crate_types=("proc-macro",), platform=None)


def manifest(name: str, version: str) -> Manifest:
    return Manifest(
        Path("Cargo.toml"),
        name,
        version,
        (),
        "",
        (),
        (),
        (),
        hides_dependencies=False,
        extra_inputs=(),
        without_harness=(),
    )


def on(*indexes: int) -> list[Dependency]:
    return [Dependency(index, f"d{index}", public=False, noprelude=False, nounused=False) for index in indexes]


@pytest.mark.parametrize(
    "rising",
    [
        ("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"),
        ("0.9.0", "0.10.0", "1.0.0", "1.0.1-rc.1", "1.0.1"),
        ("1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a"),
    ],
)
def test_versions_are_ordered_as_semver_orders_them(rising: tuple[str, ...]) -> None:
    ranks = [script_order.rank(manifest("a", version), "id") for version in rising]
    assert all(lower < higher for lower, higher in pairwise(ranks)), rising


def test_a_name_comes_before_a_version_and_a_place_last() -> None:
    assert script_order.rank(manifest("a", "2.0.0"), "z") < script_order.rank(manifest("b", "1.0.0"), "a")
    assert script_order.rank(manifest("a", "1.0.0"), "a") < script_order.rank(manifest("a", "1.0.0"), "b")


def linked(
    index: int, units: list[Unit], needed: list[Dependency], below: dict[int, tuple[int, ...]]
) -> tuple[int, ...]:
    return script_order.linked(index, units, needed, below, lambda at: -at)


def test_a_units_own_script_comes_first_then_those_below_by_rank() -> None:
    units = [RUN, LIBRARY, LIBRARY, LIBRARY, RUN, RUN, RUN]
    below: dict[int, tuple[int, ...]] = {1: (4, 5), 2: (5, 6)}
    assert linked(3, units, on(1, 0, 2), below) == (0, 5, 6, 4)


def test_a_run_hears_of_none_and_a_macro_hands_none_on() -> None:
    units = [RUN, MACRO, LIBRARY]
    assert linked(0, units, on(2), {2: (0,)}) == ()
    assert linked(2, units, on(1), {1: (0,)}) == ()
