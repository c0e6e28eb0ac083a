"""Asks cargo for the graphs of many programs with few runs.

Each run of cargo reads all manifests of the workspace, so that one run for each set of dependencies takes most of the
time of planning a thousand programs. Programs that ask for the same features of what they share are one question here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ostoo_build.planning.alone import Alone
    from ostoo_build.planning.cargo import Binary
    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit, UnitGraph

    Groups = Sequence[Sequence[Binary]]
    Graphs = dict[str, list[UnitGraph]]

_FEW = 2
"""The number of runs for each process at a time up to which asking for more programs at once would not be faster."""


def pays(groups: Groups, jobs: int) -> bool:
    """Whether groups of programs are so many that it may pay to ask for several at once, with `jobs` runs at a time."""
    return len(groups) > _FEW * jobs


class JointQuery(Struct, frozen=True):
    """How to ask cargo: `ask` returns the graphs of each program in one run, `jobs` is the number of runs at a time."""

    ask: Callable[[Sequence[Binary]], list[list[UnitGraph]]]
    manifest: Callable[[Unit], Manifest]
    jobs: int

    def graphs(self, groups: Groups) -> Graphs:
        """Return the graphs of programs by name, as if cargo was asked for each alone, as far as this is proved.

        The programs of a group declare the same dependencies, and have the same features selected.
        """
        # cargo would select features for all packages
        found, others = self._proved([group for group in groups if not group[0].selected.words])
        kinds = _kinds(others)
        if len(kinds) < len(others):
            with ThreadPoolExecutor(self.jobs) as pool:
                for proved, _ in pool.map(self._proved, kinds):
                    found |= proved
        return found

    def _proved(self, groups: Groups) -> tuple[Graphs, list[tuple[Sequence[Binary], Alone]]]:
        """Ask for groups at once. Return the proved graphs, and the other groups with what they ask for alone."""
        proved: Graphs = {}
        others: list[tuple[Sequence[Binary], Alone]] = []
        try:
            graphs = iter(self.ask([binary for group in groups for binary in group]) if groups else ())
        except OstooError:  # asked for the one program that is the reason, cargo names it
            return {}, []
        for group in groups:
            own = {binary.name: next(graphs) for binary in group}
            asked = [alone.of(graph, binary.selected, self.manifest) for binary in group for graph in own[binary.name]]
            if all(each.is_proved for each in asked):
                proved |= own
            else:
                others.append((group, alone.joined(asked)))
        return proved, others


def _kinds(groups: Sequence[tuple[Sequence[Binary], Alone]]) -> list[list[Sequence[Binary]]]:
    """Put groups together that ask for the same features of what they share."""
    kinds: list[list[tuple[Sequence[Binary], Alone]]] = []
    for group in groups:
        fitting = (kind for kind in kinds if all(group[1].agrees(other) for _, other in kind))
        kind = next(fitting, None)
        if kind is None:
            kinds.append([group])
        else:
            kind.append(group)
    return [[binaries for binaries, _ in kind] for kind in kinds]
