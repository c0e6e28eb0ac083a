"""The features of packages: which are selected, and what they enable (cargo's reference, "Features")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.base.spelling import one_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

DEFAULT = "default"

_SEPARATOR = lazy_pattern(r"[,\s]+")
"""Between the names in one word: cargo splits `--features` there."""


class Enabled(Struct, frozen=True):
    """What some features of a package enable.

    `names` are features of the package itself, `crates` the optional dependencies that become active, by the names that
    the package gives them, and `handed` the pairs of a dependency and a feature that it gets if it is active.
    """

    names: frozenset[str]
    crates: frozenset[str]
    handed: frozenset[tuple[str, str]]


def enable(declared: Mapping[str, Sequence[str]], asked: Iterable[str], required: Collection[str] = ()) -> Enabled:
    """Return what features enable in a package with these features. It always has its `required` dependencies.

    `crate/feature` of another dependency also enables the feature with the dependency's name.
    """
    names: set[str] = set()
    crates: set[str] = set()
    handed: set[tuple[str, str]] = set()
    waiting = [*asked]
    while waiting:
        name = waiting.pop()
        if name not in declared or name in names:
            continue
        names.add(name)
        for item in declared[name]:
            crate, slash, feature = item.removeprefix("dep:").partition("/")
            if slash:
                handed.add((crate.removesuffix("?"), feature))
            if item.startswith("dep:") or (slash and not crate.endswith("?")):
                crates.add(crate)
            if not item.startswith("dep:") and not crate.endswith("?") and not (slash and crate in required):
                waiting.append(crate)
    return Enabled(frozenset(names), frozenset(crates), frozenset(handed))


class Selection(Struct, frozen=True):
    """The features that are selected for a program, as on cargo's command line. `default` includes the default ones."""

    names: tuple[str, ...] = ()
    default: bool = True

    @staticmethod
    def of(words: Iterable[str], *, default: bool) -> Selection:
        """Return the selection that words make which may have several names each, as for `--features`."""
        names = (name for word in words for name in _SEPARATOR.split(word) if name)
        return Selection(tuple(dict.fromkeys(names)), default)

    @property
    def words(self) -> tuple[str, ...]:
        """Return cargo's options for it."""
        return (
            *(() if self.default else ("--no-default-features",)),
            *(("--features", ",".join(self.names)) if self.names else ()),
        )

    @property
    def all_names(self) -> tuple[str, ...]:
        """Return the names with that of the default features, if these are included."""
        return (*self.names, *((DEFAULT,) if self.default else ()))

    def check(self, declared: Mapping[str, Sequence[str]], where: str) -> None:
        """Raise `OstooError` for a name that is no feature of a package with these features.

        Features of its dependencies, `crate/feature`, are left to cargo.
        """
        for name in self.names:
            if "/" not in name and name not in (DEFAULT, *declared):
                raise OstooError(f"there is no feature {name}", where=where, remedy=one_of(name, declared))

    def enabled(self, declared: Mapping[str, Sequence[str]]) -> frozenset[str]:
        """Return all features that it enables in a package with these features."""
        return enable(declared, self.all_names).names
