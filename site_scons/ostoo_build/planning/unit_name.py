"""Names planned units for users: by package, kind, and features.

Unlike its id, the name of a unit stays the same when its features or flags change.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ostoo_build.planning.planned_unit import CompileUnit
from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.planning.planned_unit import Unit

_KINDS = {
    UnitKind.LIBRARY: "",
    UnitKind.PROGRAM: "program",
    UnitKind.PROC_MACRO: "proc macro",
    UnitKind.BUILD_SCRIPT: "build script",
    UnitKind.CHECK: "check",
    UnitKind.LINT: "clippy",
    UnitKind.DOC: "documentation",
}
_FEATURE = 'feature="'


def of(unit: Unit) -> str:
    """Return the name of a unit, such as `libc v0.2.180 (build script)`; several may share it."""
    kind = _KINDS[unit.kind] if isinstance(unit, CompileUnit) else "run of its build script"
    if kind in ("", "program"):
        kind = ", ".join(filter(None, (kind, "" if unit.target else "for the host")))
    return f"{unit.label} ({kind})" if kind else unit.label


def features(unit: Unit) -> tuple[str, ...]:
    """Return the features that a unit is compiled with; a run of a script has those of its package in variables."""
    return selected(unit.arguments) if isinstance(unit, CompileUnit) else ()


def selected(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the features that rustc's arguments select."""
    found = (word for flag, word in pairwise(arguments) if flag == "--cfg")
    return tuple(word.removeprefix(_FEATURE).rstrip('"') for word in found if word.startswith(_FEATURE))
