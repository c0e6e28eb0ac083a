"""Determines which build scripts' output files a unit may read.

A script gets the paths of output folders from the scripts that it depends on (`DEP_…`), passes them on, and contains
those that its own libraries got. A crate gets such paths from its script and its macros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.planning.graph_node import Node


def of(node: Node) -> tuple[Node, ...]:
    """Return the runs whose output a unit may read, each once. Runs of std's scripts count for std only."""
    own, is_std = node.own_runs, node.unit.is_std
    told_by = (node,) if node.unit.is_run else (*own, *_macros(node, set()))
    below = (each for at in told_by for each in (at, *_below(at, set())) if each is not node)
    runs = (each for each in below if each.unit.is_run and (each in own or is_std or not each.unit.is_std))
    return tuple(dict.fromkeys(runs))


def _macros(node: Node, seen: set[Node]) -> Iterator[Node]:
    """Yield the proc macros that a crate can use: its direct dependencies, and those that libraries re-export."""
    for each in (edge.node for edge in node.needed):
        if each not in seen and (each.kind.is_library or each.kind is UnitKind.PROC_MACRO):
            seen.add(each)
            yield from [each] if each.kind is UnitKind.PROC_MACRO else _macros(each, seen)


def _below(node: Node, seen: set[Node]) -> Iterator[Node]:
    for each in (edge.node for edge in node.needed):
        if each not in seen:
            seen.add(each)
            yield each
            yield from _below(each, seen)
