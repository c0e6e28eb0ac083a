"""Orders the build scripts whose instructions apply to a unit's link, as cargo does.

Cargo's order (its `build_map`): a package's own, then its dependencies' by name, each with what is below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Dependency, Unit


def linked(
    index: int,
    units: Sequence[Unit],
    needed: Sequence[Dependency],
    below: Mapping[int, tuple[int, ...]],
    rank: Callable[[int], Any],
) -> tuple[int, ...]:
    """Return the indices of the runs whose instructions apply to a unit's link, in cargo's order.

    `below` has the result for each dependency, `rank` returns the sort key of a unit's package.
    """
    if units[index].is_run:
        return ()
    own = [dependency.index for dependency in needed if units[dependency.index].is_run]
    # who is linked into a macro is no affair of who uses it
    libraries = [each.index for each in needed if UnitKind.of(units[each.index]) is UnitKind.LIBRARY]
    others = (run for library in sorted(libraries, key=rank) for run in below[library])
    return tuple(dict.fromkeys((*own, *others)))


def rank(manifest: Manifest, pkg_id: str) -> tuple[Any, ...]:
    """Return the sort key of a package: its name, its version in the order of `semver`, its source."""
    core, _, pre = manifest.version.partition("+")[0].partition("-")
    numbers = [int(number) for number in core.split(".") if number.isdigit()]
    words = [(not word.isdigit(), int(word) if word.isdigit() else 0, word) for word in pre.split(".")]
    return manifest.name, numbers, not pre, words, pkg_id
