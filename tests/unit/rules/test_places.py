from __future__ import annotations

from typing import TYPE_CHECKING

import planned_trees as trees

from ostoo_build.rules.places import Places

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_lies_where_cargos_users_look_for_it(tmp_path: Path) -> None:
    program = trees.planned(tmp_path, "hello-std")
    places = Places.of(program)
    folder = program.units[-1].folder
    published = f"build/{trees.TARGET}/release/hello-std"
    folders = (places.linked, places.stripped, places.check)
    assert folders == tuple(f"{folder}/{name}" for name in ("linked", "stripped", "check"))
    assert places.published == (published, f"{published}.debug")
