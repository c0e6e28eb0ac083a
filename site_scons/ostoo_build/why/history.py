"""Reads what the last builds decided, and what they read: all that answers are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions import action_log
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.decided import FEATURES
from ostoo_build.planning import unit_name
from ostoo_build.start import null_build
from ostoo_build.why import build_notes
from ostoo_build.why.build_notes import PROGRAM, BuildNote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.actions.action_log import Entry
    from ostoo_build.execution.decided import Decided

COMPILATION = "Rustc"
"""The mnemonic of a compilation."""


class History(Struct, frozen=True, dict=True):
    """The notes of the last builds, the latest first, and the last entries of the action log, by their results.

    Those of actions are by mnemonic too: a link has the results of the compilation before it.
    `programs` are the entries of programs that are published, or failed in the last build of them.
    """

    builds: tuple[BuildNote, ...]
    programs: dict[str, Entry]
    actions: dict[tuple[str, str], Entry]

    def decided(self, folder: str) -> tuple[BuildNote, Decided] | None:
        """Return the last decision about the results in a folder, with its build."""
        for build in self.builds:
            found = build.of(folder)
            if found is not None:
                return build, found
        return None

    def name(self, folder: str, subject: str) -> str:
        """Return the name of an action: with its features where they separate two units of that name."""
        entry = self.actions.get((COMPILATION, folder))
        if entry is None:
            return subject
        found = self.features_of(subject)
        return f"{subject} ({features(entry) or 'no features'})" if len(found) > 1 else subject

    def features_of(self, unit: str) -> dict[str, None]:
        """Return all that programs select of a unit's features, each as a text."""
        told = (entry.parts.get(f"{FEATURES}{unit}", "") for entry in self.programs.values())
        return dict.fromkeys(each for text in told for each in text.split(" | ") if each)


def _null_build(root: Path) -> Iterator[BuildNote]:
    """Yield the last null build, as a build that decided nothing, if nothing was decided since."""
    found, noted = null_build.last(str(root)), build_notes.read(root)
    if found is not None and (not noted or noted[0].began < found[0]):
        began, note = found
        made = tuple(
            place.removeprefix(f"{root}/") for place in note.stamps.places if place.startswith(f"{root}/build/")
        )
        words = tuple(word for word in note.question[2] if "=" not in word)
        yield BuildNote(began, words, (), made, {})


def features(entry: Entry) -> str:
    """Return the features of a compilation."""
    return ", ".join(unit_name.selected(entry.arguments))


def label(entry: Entry) -> str:
    """Return the name and version of the package that an action is about; empty if it is about none."""
    name, version = (entry.shown.get(f"CARGO_PKG_{part}", "") for part in ("NAME", "VERSION"))
    return f"{name} v{version}" if name else ""


def read(root: Path) -> History:
    """Read all of a checkout. Raises `OstooError` if the action log is damaged."""
    try:
        entries = action_log.read(root / layout.ACTIONS)
    except (OSError, ValueError) as error:
        where = str(root / layout.ACTIONS)
        raise OstooError("the action log is damaged", where=where, remedy="remove it: builds write it again") from error
    builds = (*_null_build(root), *build_notes.read(root))
    failed = {each.folder for build in builds for each in build.decided if each.mnemonic == PROGRAM}
    programs = {
        entry.results: entry
        for entry in entries.values()
        if entry.mnemonic == PROGRAM and (entry.results in failed or (root / entry.results).is_file())
    }
    actions = {(entry.mnemonic, entry.results): entry for entry in entries.values() if entry.mnemonic != PROGRAM}
    return History(builds, programs, actions)
