"""The features of a program's package: which are selected, and which targets they enable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Selection(Struct, frozen=True):
    """The features that are selected for a program, as on cargo's command line. `default` includes the default ones."""

    names: tuple[str, ...] = ()
    default: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """Return cargo's options for it."""
        return (
            *(() if self.default else ("--no-default-features",)),
            *(("--features", ",".join(self.names)) if self.names else ()),
        )

    def enabled(self, declared: Mapping[str, Sequence[str]]) -> set[str]:
        """Return all features that it enables in a package with these features."""
        found: set[str] = set()
        waiting = [*self.names, *(("default",) if self.default else ())]
        while waiting:
            name = waiting.pop()
            if name in declared and name not in found:
                found.add(name)
                waiting += _enabled_by(declared[name])
        return found


def _enabled_by(items: Sequence[str]) -> Iterator[str]:
    """Yield the features of the same package that a feature enables. `crate/feature` enables an optional crate."""
    for item in items:
        name, slash, _ = item.partition("/")
        if not item.startswith("dep:") and not (slash and name.endswith("?")):
            yield name
