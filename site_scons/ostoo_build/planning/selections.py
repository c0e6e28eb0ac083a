"""Remembers the features that SConscripts select, for verbs that plan programs without reading scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ostoo_build.base import layout, state_file
from ostoo_build.planning.features import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ostoo_build.planning.programs import Programs


def keep(root: Path, programs: Programs, name: str) -> None:
    """Write down which features a script selects for a program, or that it selects none any more."""
    selected = programs.binaries[name].selected
    if name in programs.described or (selected == Selection() and not (root / layout.selection(name)).exists()):
        return
    content = state_file.sealed(json.dumps({"names": selected.names, "default": selected.default}).encode())
    place = root / layout.selection(name)
    if state_file.recall(place) != content:
        state_file.write(place, content)


def apply(root: Path, programs: Programs, names: Iterable[str]) -> None:
    """Select the features that scripts selected in the last build of each program."""
    for name in names:
        if name in programs.described:
            continue
        found = state_file.recall_json(root / layout.selection(name))
        if isinstance(found, dict):
            programs.select(name, Selection(tuple(map(str, found.get("names", ()))), bool(found.get("default", True))))
