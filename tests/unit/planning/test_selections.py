from __future__ import annotations

from typing import TYPE_CHECKING

import planners

from ostoo_build.base import layout
from ostoo_build.planning import selections
from ostoo_build.planning.features import Selection

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_script_selected_is_selected_again(tmp_path: Path) -> None:
    programs = planners.without_compiler(tmp_path, "one", "two", target="x").programs
    chosen = Selection(("loud", "fast"), default=False)
    programs.select("one", chosen)
    for name in ("one", "two"):
        selections.keep(tmp_path, programs, name)
    anew = planners.without_compiler(tmp_path, "one", "two", "three", target="x").programs
    selections.apply(tmp_path, anew, ["one", "two", "three"])
    assert [anew.binaries[name].selected for name in ("one", "two", "three")] == [chosen, Selection(), Selection()]


def test_a_script_that_selects_nothing_any_more_is_followed(tmp_path: Path) -> None:
    for chosen in (Selection(("loud",)), Selection()):
        programs = planners.without_compiler(tmp_path, "one", target="x").programs
        programs.select("one", chosen)
        selections.keep(tmp_path, programs, "one")
    anew = planners.without_compiler(tmp_path, "one", target="x").programs
    selections.apply(tmp_path, anew, ["one"])
    assert anew.binaries["one"].selected == Selection()


def test_nothing_is_written_where_nothing_is_selected(tmp_path: Path) -> None:
    programs = planners.without_compiler(tmp_path, "one", target="x").programs
    selections.keep(tmp_path, programs, "one")
    assert not (tmp_path / layout.selection("one")).exists()


def test_what_the_description_selects_now_is_not_what_it_selected(tmp_path: Path) -> None:
    before = planners.without_compiler(tmp_path, "one", target="x").programs
    before.select("one", Selection(("a/old",)))
    selections.keep(tmp_path, before, "one")
    described = planners.without_compiler(tmp_path, "one", target="x", selected={"one": Selection(("a/new",))}).programs
    selections.apply(tmp_path, described, ["one"])
    assert described.binaries["one"].selected == Selection(("a/new",))


def test_a_damaged_file_selects_nothing(tmp_path: Path) -> None:
    place = tmp_path / layout.selection("one")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"\xff")
    programs = planners.without_compiler(tmp_path, "one", target="x").programs
    selections.apply(tmp_path, programs, ["one"])
    assert programs.binaries["one"].selected == Selection()
