from __future__ import annotations

from typing import TYPE_CHECKING

import planned_trees as trees
import planners

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_units_of_plans_that_were_asked_for_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = planners.without_compiler(tmp_path, "hello-rs", "hello-std", target=trees.TARGET)
    plans = {name: trees.planned(tmp_path / "planned", name) for name in ("hello-rs", "hello-std")}
    monkeypatch.setattr(planner.programs, "plan", lambda name, _target: plans[name])
    assert planner.units == {}
    for name, program in plans.items():
        assert planner.plan(name, trees.TARGET) == program
        assert {unit.id: unit for unit in program.units}.items() <= planner.units.items()
    assert set(planner.programs.ids(plans)) == {(name, trees.TARGET) for name in plans}
