from __future__ import annotations

import re
from typing import TYPE_CHECKING

import model_checkout as model
from model_pages import made, page_of
from msgspec.structs import replace

from ostoo_build.actions.record import Output, Record
from ostoo_build.query import graph, graph_page
from ostoo_build.query.graph_page import Measured

if TYPE_CHECKING:
    from pathlib import Path


def test_units_are_separated_by_needs_if_by_nothing_else(tmp_path: Path) -> None:
    found = made(tmp_path, 2)
    assert graph_page.twice(found) == {
        "shared": {"shared v1 [quick]": "features quick", "shared v1 [small]": "features small"}
    }
    alike = replace(found, units={label: replace(unit, label="one v1") for label, unit in found.units.items()})
    told = graph_page.twice(alike)["one"]
    assert told["lib3 v1"] == "features none"
    needs: dict[str, tuple[str, ...]] = {"a": ("x",), "b": ("y",)}
    units = {label: replace(found.units["lib3 v1"], id=label) for label in needs}
    assert graph_page.twice(graph.Graph({}, needs, {}, units)) == {"lib3": {"a": "needs x", "b": "needs y"}}


def test_sizes_are_those_of_outputs_and_of_published_programs(tmp_path: Path) -> None:
    found = made(tmp_path, 1)
    library, program = found.units["lib3 v1"], next(iter(found.programs.values()))
    record = Record("key", {"a": Output("0" * 64, 3, executable=False), "b": Output("0" * 64, 4, executable=False)})
    model.write(tmp_path, library.record, record.to_bytes().decode())
    model.write(tmp_path, f"build/model/release/{program.name}", "12345")
    measured = graph_page.measure(tmp_path, found, {library.folder: 0.5})
    assert measured["lib3 v1"] == Measured(7, 0.5)
    assert measured[program.name] == Measured(5, None)
    assert measured["lib4 v1"] == Measured(None, None)


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    content = page_of(tmp_path, 3).read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", content)
    assert content.count("</script>") == 1
