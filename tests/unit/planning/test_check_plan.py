from __future__ import annotations

from typing import TYPE_CHECKING

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import check_plan, plan, planned_unit
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.planning.unit_graph import UnitGraph

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("program", ["hello-std", "hello-rs"])
def test_std_is_that_of_a_build_and_what_users_edit_is_checked(program: str, tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    graph, context = trees.graph(paths, program), trees.context(paths)
    built = {unit.id: unit for unit in plan.plan_program(graph, context).units}
    checked = plan.plan_program(check_plan.checked(graph), context)
    shared = [unit for unit in checked.units if unit.id in built]
    assert shared == [unit for unit in built.values() if unit.id in {each.id for each in shared}]
    assert {unit.id.rpartition("-")[0] for unit in checked.units if unit.id not in built} == {
        program.replace("-", "_"),
        "ostoo_rt",
    }
    (runtime,) = trees.compiled(checked, "ostoo_rt", UnitKind.CHECK)
    assert runtime.outputs == (f"rmeta/lib{runtime.id}.rmeta",)
    assert not any("link=" in word for word in runtime.arguments)
    top = checked.unit
    assert runtime.id in top.libraries, "metadata is enough for a check"
    assert top.read_of(runtime) == runtime.record
    assert any(top.read_of(unit) == unit.metadata for unit in trees.compiled(checked, "core"))


def test_a_downloaded_crate_above_an_edited_one_is_checked_too(tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    *others, runtime, program = trees.graph(paths, "hello-rs").units
    fetched = replace(program, pkg_id="registry+x#y@1.0.0", kind="lib", crate_types=("lib",), target_name="y")
    edge = replace(program.dependencies[0], index=len(others) + 1, extern_crate_name="y")
    top = replace(program, dependencies=(*program.dependencies, edge))
    found = check_plan.checked(UnitGraph((*others, runtime, fetched, top)))
    assert [unit.is_checked for unit in found.units[-3:]] == [True, True, True]
    alone = replace(fetched, dependencies=())
    assert [unit.is_checked for unit in check_plan.checked(UnitGraph((*others, runtime, alone))).units[-2:]] == [
        True,
        False,
    ]


def test_clippy_looks_at_members_and_once_more_at_those_for_the_host(tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    *others, runtime, program = trees.graph(paths, "hello-rs").units
    script = replace(runtime, kind="custom-build", crate_types=("bin",), platform=None, dependencies=())
    graph = UnitGraph((*others, runtime, script, program))
    found = check_plan.linted(check_plan.checked(graph), lambda unit: unit is not runtime and unit.is_local)
    assert [unit.mode for unit in found.units[-4:]] == ["clippy", "build", "clippy", "clippy"]
    assert replace(found.units[-2], mode="build") == found.units[-3] == script
    assert found.name == "hello-rs", "the program is the last one still"
    none = check_plan.linted(check_plan.checked(graph), lambda _: False)
    assert none == check_plan.checked(graph), "what is no member is checked by rustc alone"


def test_a_plan_has_what_nothing_needs_but_clippy_looks_at(tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    *others, program = trees.graph(paths, "hello-rs").units
    script = replace(program, kind="custom-build", target_name="build-script-build", platform=None, dependencies=())
    graph = check_plan.linted(UnitGraph((*others, script, program)), lambda unit: unit == script)
    planned = plan.plan_program(graph, trees.context(paths))
    (extra,) = trees.compiled(planned, "build_script_build", UnitKind.LINT)
    assert not extra.target
    assert not any(extra.id in unit.prerequisites for unit in planned.units)
    assert planned.unit.id.startswith("hello_rs-")


def test_what_is_documented_is_compiled_as_for_a_check_and_has_pages_of_its_own(tmp_path: Path) -> None:
    paths = trees.checkout(tmp_path)
    graph = trees.graph(paths, "hello-rs")
    planned = plan.plan_program(check_plan.documented(check_plan.checked(graph)), trees.context(paths))
    checked = plan.plan_program(check_plan.checked(graph), trees.context(paths))
    pages = [unit for unit in planned.units if planned_unit.is_documented(unit)]
    assert [unit.id.rpartition("-")[0] for unit in pages] == ["ostoo_rt", "hello_rs"], "std has none"
    assert {unit.id for unit in planned.units} - {unit.id for unit in pages} == {
        unit.id for unit in checked.units if unit is not checked.unit
    }
    assert planned.unit is pages[-1]
    assert "--document-private-items" in planned.unit.arguments, "of a program, as with cargo"
    assert not any(word.startswith(("metadata=", "link=", "opt-level")) for word in planned.unit.arguments)
    (runtime,) = trees.compiled(planned, "ostoo_rt", UnitKind.CHECK)
    assert runtime.id in planned.unit.libraries
