"""Orders the build scripts whose instructions apply to a unit's link, as cargo does.

Cargo's order (its `build_map`) is: a package's own script, then those of its dependencies by name, each followed by
those that it depends on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.planning.graph_node import Edge, Node


def linked(needed: Sequence[Edge]) -> tuple[Node, ...]:
    """Return the runs whose instructions apply to the link of a crate that needs these units, in cargo's order."""
    own = (edge.node for edge in needed if edge.node.unit.is_run)
    # what is linked into a macro does not concern its users
    libraries = (edge.node for edge in needed if edge.node.kind.is_library)
    others = (run for library in sorted(libraries, key=rank) for run in library.linked)
    return tuple(dict.fromkeys((*own, *others)))


def rank(node: Node) -> tuple[Any, ...]:
    """Return the sort key of a package: its name, its version in the order of `semver`, its source."""
    manifest = node.manifest
    core, _, pre = manifest.version.partition("+")[0].partition("-")
    numbers = [int(number) for number in core.split(".") if number.isdigit()]
    words = [(not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in pre.split(".")]
    return manifest.name, numbers, not pre, words, node.unit.pkg_id
