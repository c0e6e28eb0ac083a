from __future__ import annotations

import planned_trees as trees
from msgspec.structs import replace
from planned_trees import node

from ostoo_build.planning import read_runs, unit_graph

(GRAPH,) = unit_graph.parse((trees.DATA / "unit_graph_hello_rs.json").read_text())
LIBRARY = next(unit for unit in GRAPH.units if unit.kind == "lib" and not unit.is_std)
STD = replace(LIBRARY, is_std=True)
MACRO = replace(LIBRARY, kind="proc-macro", crate_types=("proc-macro",), platform=None)
RUN = replace(LIBRARY, kind="custom-build", crate_types=("bin",), mode="run-custom-build")
RUN_OF_STD = replace(RUN, is_std=True)


def test_a_unit_reads_what_its_script_and_its_macros_were_told() -> None:
    other, of_macro, of_std = node(RUN), node(RUN), node(RUN_OF_STD)
    told = node(RUN, other)
    macro, std = node(MACRO, of_macro), node(STD, of_std)
    library = node(LIBRARY, told, macro, std)
    above = node(LIBRARY, library)
    user = node(LIBRARY, above, of_std)
    assert read_runs.of(library) == (told, other, of_macro)
    assert read_runs.of(above) == (of_macro,), "of a library that it uses only what the macros hand on"
    assert read_runs.of(told) == (other,)
    assert read_runs.of(std) == (of_std,)
    assert read_runs.of(user) == (of_std, of_macro)
    assert read_runs.of(of_macro) == ()


def test_what_a_macro_uses_itself_hands_no_macro_on() -> None:
    inner = node(MACRO, node(RUN))
    of_outer = node(RUN)
    outer = node(MACRO, inner, of_outer)
    assert read_runs.of(node(LIBRARY, outer)) == (*read_runs.of(inner), of_outer), "it has them in itself"
    program = node(replace(LIBRARY, kind="bin"), node(MACRO, node(RUN)))
    assert read_runs.of(node(LIBRARY, program)) == (), "a program hands nothing on"


def test_the_runs_of_std_are_no_affair_of_a_script_above() -> None:
    of_std = node(RUN_OF_STD)
    std = node(STD, of_std)
    assert read_runs.of(node(RUN, std)) == ()
    assert read_runs.of(node(RUN_OF_STD, std)) == (of_std,)


def test_each_run_is_named_once() -> None:
    last = node(RUN)
    one, two = node(RUN, last), node(RUN, last)
    assert read_runs.of(node(LIBRARY, one, two)) == (one, last, two)


def test_a_graph_with_many_ways_is_walked_once() -> None:
    run = node(RUN)
    macro = node(MACRO, run)
    top = (node(LIBRARY, macro), node(LIBRARY, macro))
    for _ in range(60):
        top = (node(LIBRARY, *top), node(LIBRARY, *top))
    assert read_runs.of(node(LIBRARY, *top)) == (run,)
    scripts = (node(RUN, run), node(RUN, run))
    for _ in range(60):
        scripts = (node(RUN, *scripts), node(RUN, *scripts))
    assert len(read_runs.of(node(RUN, *scripts))) == 2 * 61 + 1
