"""Defines nodes: the units of a unit graph with what planning has found out about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit


class Node(Struct, frozen=True, eq=False):
    """A unit with its package's manifest. Nodes are equal only to themselves.

    `package` is the package's folder, a portable path. `needed` are the units that it is compiled with, `linked` the
    runs of build scripts whose instructions it gets, in cargo's order. `is_primary` says that cargo's user would have
    named its package.
    """

    id: str
    unit: Unit
    manifest: Manifest
    package: str
    needed: tuple[Edge, ...]
    linked: tuple[Node, ...]
    is_primary: bool

    @property
    def kind(self) -> UnitKind:
        return UnitKind.of(self.unit)

    @property
    def own_runs(self) -> tuple[Node, ...]:
        """The runs among its direct dependencies."""
        return tuple(edge.node for edge in self.needed if edge.node.unit.is_run)


class Edge(Struct, frozen=True, eq=False):
    """A unit that another one needs, under the name by which the crate sees it."""

    node: Node
    name: str
    public: bool
    noprelude: bool
