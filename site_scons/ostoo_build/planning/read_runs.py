"""Determines which build scripts' output files a unit may read.

A script is told of the folders of those below it (`DEP_…`), may hand them on, and has in itself what its own libraries
were told; a crate is told by its script and by its macros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.planning.unit_graph import Dependency, Unit

Needed: TypeAlias = "Mapping[int, Sequence[Dependency]]"
"""The dependencies that each unit is compiled with, by the unit's index."""


def of(index: int, units: Sequence[Unit], needed: Needed) -> list[int]:
    """Return the indices of the runs whose output a unit may read, each once.

    Runs of std's scripts count for std only.
    """
    unit = units[index]
    own = [dependency.index for dependency in needed[index] if units[dependency.index].is_run]
    told_by = [index] if unit.is_run else [*own, *_macros(index, units, needed, set())]
    below = (each for at in told_by for each in (at, *_below(at, needed, set())) if each != index)
    runs = (each for each in below if units[each].is_run and (each in own or unit.is_std or not units[each].is_std))
    return list(dict.fromkeys(runs))


def _macros(index: int, units: Sequence[Unit], needed: Needed, seen: set[int]) -> Iterator[int]:
    """Return the proc macros that a crate can use: its direct dependencies, and those that libraries re-export."""
    for at in (dependency.index for dependency in needed[index]):
        kind = UnitKind.of(units[at])
        if at not in seen and kind in (UnitKind.LIBRARY, UnitKind.PROC_MACRO):
            seen.add(at)
            yield from [at] if kind is UnitKind.PROC_MACRO else _macros(at, units, needed, seen)


def _below(index: int, needed: Needed, seen: set[int]) -> Iterator[int]:
    for at in (dependency.index for dependency in needed[index]):
        if at not in seen:
            seen.add(at)
            yield at
            yield from _below(at, needed, seen)
