from __future__ import annotations

from typing import TYPE_CHECKING

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import check_plan, plan
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
