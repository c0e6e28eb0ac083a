"""Plans the parts of a program that have no code: its check, what clippy says of it, and its documentation.

What nobody edits here is that of the build: std and downloaded crates are compiled once for both.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.base import layout
from ostoo_build.planning import package_places, unit_graph
from ostoo_build.planning.unit_graph import CHECK, DOCUMENT, LINT, UnitGraph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ostoo_build.planning.unit_graph import Unit


def part(what: str, graph: UnitGraph, workspace: Path) -> UnitGraph:
    """Return the graph of one of `layout.PARTS` of the program, from that of its build."""
    found = checked(graph)
    if what == layout.DOC:
        return documented(found)
    return linted(found, lambda unit: is_member(unit, workspace)) if what == layout.CLIPPY else found


def checked(graph: UnitGraph) -> UnitGraph:
    """Return the graph in which the target's crates that users edit are checked, and all that need one of them."""
    found: list[Unit] = []
    for unit in graph.units:
        above = any(found[each.index].is_checked for each in unit.dependencies)
        is_ours = unit.platform is not None and not unit.is_run and not unit.is_std
        found.append(replace(unit, mode=CHECK) if is_ours and (unit.is_local or above) else unit)
    return UnitGraph(tuple(found))


def linted(graph: UnitGraph, is_member: Callable[[Unit], bool]) -> UnitGraph:
    """Return the graph of a check in which clippy checks the workspace's members.

    What a build makes of members for the host, it makes here too: clippy looks at these crates once more.
    """
    *others, root = (_linted(unit) if unit.is_checked and is_member(unit) else unit for unit in graph.units)
    return UnitGraph((*others, *map(_linted, _of_host(others, is_member)), root))


def documented(graph: UnitGraph) -> UnitGraph:
    """Return the graph of a check to which each crate but std's is added once more, to be documented."""
    *others, root = graph.units
    wanted = {len(others)}
    for at in reversed(range(len(graph.units))):
        if at in wanted:
            wanted.update(each.index for each in graph.units[at].dependencies if _has_pages(graph.units[each.index]))
    made = [replace(others[at], mode=DOCUMENT) for at in sorted(wanted) if at < len(others)]
    return UnitGraph((*others, *made, replace(root, mode=DOCUMENT)))


def _has_pages(unit: Unit) -> bool:
    return not (unit.is_std or unit.is_run) and unit.kind != "custom-build"


def _of_host(units: list[Unit], is_member: Callable[[Unit], bool]) -> Iterator[Unit]:
    return (unit for unit in units if unit.platform is None and not unit.is_run and is_member(unit))


def _linted(unit: Unit) -> Unit:
    return replace(unit, mode=LINT)


def is_member(unit: Unit, workspace: Path) -> bool:
    """Whether the package of a unit is a member of the workspace in a folder."""
    if not unit.is_local:
        return False
    folder = unit_graph.manifest_path(unit).parent
    return os.path.realpath(package_places.workspace_of(folder)) == os.path.realpath(workspace)
