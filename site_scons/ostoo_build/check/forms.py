"""Writes what the compiler said in a check, in the form that is asked for, to a file that a verb shows.

The build that checks writes it, as it has the plans already.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ostoo_build.base import digest, github_commands, layout, rendered, state_file, terminal
from ostoo_build.check import cargo_messages, results, sarif

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ostoo_build.check.results import Checked, Source
    from ostoo_build.planning.plan import Program

FORMS = ("json", "github", "sarif")


def place(root: Path, programs: Iterable[str], form: str) -> Path:
    """Return the file for the check of these programs."""
    return root / f"{layout.CHECKS}/{digest.of_json(sorted({*programs}))[:16]}.{form}"


def keep(file: Path, plans: Iterable[Program], source: Source, version: str, *, is_done: bool) -> None:
    """Write the file that `place` names, after a check with these plans; `version` is rustc's."""
    units = (unit for plan in plans for unit in plan.units)
    found = list(results.collect(units, source))
    form = file.suffix.removeprefix(".")
    state_file.write(file, _text(form, found, source, version, is_done=is_done).encode())


def _text(form: str, found: Sequence[Checked], source: Source, version: str, *, is_done: bool) -> str:
    if form == "json":
        return "".join(cargo_messages.lines(found, source.paths, is_done=is_done))
    if form == "sarif":
        return sarif.document(found, version)
    here = github_commands.of_folder(os.environ, str(source.root))
    texts = dict.fromkeys(said["rendered"] or "" for each in found for said in each.diagnostics)
    diagnostics = (each for text in texts for each in rendered.read(terminal.without_colours(text)))
    return "".join(github_commands.commands(diagnostics, here))
