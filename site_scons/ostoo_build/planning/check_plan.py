"""Plans the check of a program: its crates are compiled to metadata, without code.

What nobody edits here is that of the build: std and downloaded crates are compiled once for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.planning.unit_graph import CHECK, UnitGraph

if TYPE_CHECKING:
    from ostoo_build.planning.unit_graph import Unit


def checked(graph: UnitGraph) -> UnitGraph:
    """Return the graph in which the target's crates that users edit are checked, and all that need one of them."""
    found: list[Unit] = []
    for unit in graph.units:
        above = any(found[each.index].is_checked for each in unit.dependencies)
        is_ours = unit.platform is not None and not unit.is_run and not unit.is_std
        found.append(replace(unit, mode=CHECK) if is_ours and (unit.is_local or above) else unit)
    return UnitGraph(tuple(found))
