from __future__ import annotations

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import read_runs, unit_graph
from ostoo_build.planning.unit_graph import Dependency

(GRAPH,) = unit_graph.parse((trees.DATA / "unit_graph_hello_rs.json").read_text())
LIBRARY = next(unit for unit in GRAPH.units if unit.kind == "lib" and not unit.is_std)
STD = replace(LIBRARY, is_std=True)
MACRO = replace(LIBRARY, kind="proc-macro", crate_types=("proc-macro",), platform=None)
RUN = replace(LIBRARY, kind="custom-build", crate_types=("bin",), mode="run-custom-build")
RUN_OF_STD = replace(RUN, is_std=True)


def on(*indexes: int) -> list[Dependency]:
    return [Dependency(index, f"d{index}", public=False, noprelude=False, nounused=False) for index in indexes]


UNITS = (RUN, LIBRARY, MACRO, RUN, LIBRARY, RUN_OF_STD, STD, RUN, LIBRARY)
NEEDED = {
    0: on(7),  # a script that is told of another's folder
    1: on(0, 2, 6),  # a library with its script, and a macro
    2: on(3),  # the macro has a script of its own
    3: [],
    4: on(1),  # a library above
    5: [],
    6: on(5),
    7: [],
    8: on(4, 5),
}


@pytest.mark.parametrize(
    ("index", "runs"),
    [
        (1, [0, 7, 3]),  # its own, what that was told, its macro's
        (4, [3]),  # of a library that it uses only what the macros hand on
        (0, [7]),
        (6, [5]),
        (8, [5, 3]),
        (3, []),
    ],
)
def test_a_unit_reads_what_its_script_and_its_macros_were_told(index: int, runs: list[int]) -> None:
    assert read_runs.of(index, UNITS, NEEDED) == runs


def test_the_runs_of_std_are_no_affair_of_a_script_above() -> None:
    needed = {0: on(1), 1: on(2), 2: []}
    assert read_runs.of(0, (RUN, STD, RUN_OF_STD), needed) == []
    assert read_runs.of(0, (RUN_OF_STD, STD, RUN_OF_STD), needed) == [2]


def test_each_run_is_named_once() -> None:
    needed = {0: on(1, 2), 1: on(3), 2: on(3), 3: []}
    assert read_runs.of(0, (LIBRARY, RUN, RUN, RUN), needed) == [1, 3, 2]
