"""Determines which build scripts' output files a unit may read.

A script is told of the folders of those below it (`DEP_…`), may hand them on, and has in itself what its own libraries
were told; a crate is told by its script and by its macros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ostoo_build.planning.rustc_flags import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.planning.unit_graph import Dependency, Unit

Needed: TypeAlias = "Mapping[int, Sequence[Dependency]]"
"""What each unit is compiled with."""


def of(index: int, units: Sequence[Unit], needed: Needed) -> list[int]:
    """The runs that a unit may read of, by index, each once. Std's own are no affair of others."""
    unit = units[index]
    own = [dependency.index for dependency in needed[index] if units[dependency.index].is_run]
    told_by = [index] if unit.is_run else [*own, *_macros(index, units, needed, set())]
    below = (each for at in told_by for each in (at, *_below(at, needed, set())) if each != index)
    runs = (each for each in below if units[each].is_run and (each in own or unit.is_std or not units[each].is_std))
    return list(dict.fromkeys(runs))


def _macros(index: int, units: Sequence[Unit], needed: Needed, seen: set[int]) -> Iterator[int]:
    """The macros that a crate may use: its own, and those that its libraries hand on."""
    for at in (dependency.index for dependency in needed[index]):
        kind = Kind.of(units[at])
        if at not in seen and kind in (Kind.LIBRARY, Kind.PROC_MACRO):
            seen.add(at)
            yield from [at] if kind is Kind.PROC_MACRO else _macros(at, units, needed, seen)


def _below(index: int, needed: Needed, seen: set[int]) -> Iterator[int]:
    for at in (dependency.index for dependency in needed[index]):
        if at not in seen:
            seen.add(at)
            yield at
            yield from _below(at, needed, seen)
