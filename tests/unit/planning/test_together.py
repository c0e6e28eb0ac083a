"""The fake cargo here enables in a shared crate what all programs of one question ask for, as the real one does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import declared, together, unit_graph
from ostoo_build.planning.cargo import Binary
from ostoo_build.planning.features import Selection
from ostoo_build.planning.together import JointQuery
from ostoo_build.planning.unit_graph import Dependency, Unit, UnitGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.planning.manifest import Manifest

SHARED: dict[str, Any] = {"features": {"x": [], "y": []}}
ROOT = unit_graph.parse((trees.DATA / "unit_graph_hello_std.json").read_text())[0].units[-1]


def unit(package: str, kind: str, features: Sequence[str], *dependencies: int) -> Unit:
    edges = tuple(Dependency(each, "shared", public=False, noprelude=False, nounused=False) for each in dependencies)
    return replace(
        ROOT, pkg_id=package, kind=kind, target_name=package, features=tuple(features), dependencies=edges, is_std=False
    )


class FakeCargo:
    """Programs that each ask one library for a feature, which is the last letter of their name, or for none."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, binaries: Sequence[Binary]) -> list[list[UnitGraph]]:
        self.asked.append(" ".join(binary.name for binary in binaries))
        if any(binary.name == "bad" for binary in binaries):
            raise OstooError("cargo refuses it")
        features = sorted({binary.name[-1] for binary in binaries} & {"x", "y"})
        shared = unit("shared", "lib", features)
        return [[UnitGraph((shared, unit(binary.name, "bin", (), 0)))] for binary in binaries]

    def manifest(self, of: Unit) -> Manifest:
        name, asks = of.pkg_id, [each for each in of.pkg_id[-1] if each in "xy"]
        document = SHARED if name == "shared" else {"dependencies": {"shared": {"features": asks}}}
        return replace(trees.manifest(name), declared=declared.of(document, {}))

    def graphs(self, *names: str, **selected: Selection) -> dict[str, tuple[str, ...]]:
        """The features of the library in the graphs that are found."""
        query = JointQuery(self.ask, self.manifest, 1)
        groups = [[binary(name, selected.get(name, Selection()))] for name in names]
        return {name: graph.units[0].features for name, (graph,) in query.graphs(groups).items()}


def binary(name: str, selected: Selection) -> Binary:
    return Binary(name, name, Path(name, "Cargo.toml"), name, selected=selected)


@pytest.fixture
def cargo() -> FakeCargo:
    return FakeCargo()


def test_programs_that_ask_for_the_same_are_one_question(cargo: FakeCargo) -> None:
    assert cargo.graphs("one-x", "two-x") == {"one-x": ("x",), "two-x": ("x",)}
    assert cargo.asked == ["one-x two-x"]


def test_others_are_asked_for_again_with_those_that_agree(cargo: FakeCargo) -> None:
    found = cargo.graphs("one-x", "one-y", "two-x", "two-y")
    assert found == {"one-x": ("x",), "two-x": ("x",), "one-y": ("y",), "two-y": ("y",)}
    assert sorted(cargo.asked) == ["one-x one-y two-x two-y", "one-x two-x", "one-y two-y"]


def test_nothing_is_asked_again_where_nobody_agrees(cargo: FakeCargo) -> None:
    assert cargo.graphs("one-x", "one-y", "nothing") == {}
    assert cargo.asked == ["one-x one-y nothing"]


def test_features_that_are_selected_for_one_are_not_for_others(cargo: FakeCargo) -> None:
    assert cargo.graphs("one-x", "selects-x", **{"selects-x": Selection(("f",))}) == {"one-x": ("x",)}
    assert cargo.asked == ["one-x"]


def test_a_program_that_cargo_refuses_leaves_all_to_be_asked_for_alone(cargo: FakeCargo) -> None:
    assert cargo.graphs("one-x", "bad") == {}


@pytest.mark.parametrize(("groups", "jobs", "does"), [(4, 2, False), (5, 2, True), (3, 1, True)])
def test_few_runs_side_by_side_are_faster(groups: int, jobs: int, *, does: bool) -> None:
    assert together.pays([[]] * groups, jobs) == does
