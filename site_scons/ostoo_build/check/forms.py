"""Writes what the compiler said in a build or check, in the form that is asked for, to a file that a verb shows.

The build writes it, as it has the plans already.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest, github_commands, layout, rendered, state_file, terminal
from ostoo_build.base.errors import OstooError
from ostoo_build.check import cargo_messages, sarif

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ostoo_build.base.paths import PathMap
    from ostoo_build.check.results import Checked, Ran

FORMS = ("json", "github", "sarif")


class Asked(Struct, frozen=True):
    """One of `FORMS`, and the file for it; SCons' option `--messages` names both."""

    form: str
    file: Path

    @staticmethod
    def of_option(text: str) -> Asked:
        """Parse what `option` returns. Raises `OstooError` for anything else."""
        form, _, file = text.partition(":")
        if form not in FORMS or not file:
            raise OstooError(f"--messages={text} is not of the form FORM:FILE", remedy=f"forms: {', '.join(FORMS)}")
        return Asked(form, Path(file))

    @property
    def option(self) -> str:
        return f"--messages={self.form}:{self.file}"

    def take(self) -> bytes:
        """Return what was kept; for a build that ended before it was one, what cargo says then."""
        return state_file.recall(self.file) or _NOTHING.get(self.form, b"")

    def forget(self) -> None:
        """Remove what an earlier build kept."""
        state_file.remove(self.file)


_NOTHING = {"json": b'{"reason":"build-finished","success":false}\n'}


def asked(root: Path, words: Iterable[str], form: str) -> Asked:
    """Return what a build of these words is asked for: equal words share a file, as the server prepares such builds."""
    return Asked(form, root / f"{layout.CHECKS}/{digest.of_json(sorted({*words}))[:16]}.{form}")


class Said(Struct, frozen=True):
    """What a build found out about crates in a checkout; `version` is rustc's, `is_done` says that it succeeded."""

    crates: Sequence[Checked]
    scripts: Sequence[Ran]
    root: Path
    paths: PathMap
    version: str
    is_done: bool


def keep(to: Asked, said: Said) -> None:
    """Write the file that is asked for."""
    state_file.write(to.file, _text(to.form, said).encode())


def _text(form: str, said: Said) -> str:
    if form == "json":
        return "".join(cargo_messages.lines(said.crates, said.scripts, said.paths, is_done=said.is_done))
    if form == "sarif":
        return sarif.document(said.crates, said.version)
    here = github_commands.of_folder(os.environ, str(said.root))
    texts = dict.fromkeys(told["rendered"] or "" for each in said.crates for told in each.diagnostics)
    diagnostics = (each for text in texts for each in rendered.read(terminal.without_colours(text)))
    return "".join(github_commands.commands(diagnostics, here))
