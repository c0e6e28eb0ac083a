"""Defines answers, and what all kinds of them have in common: names, steps, other programs. Guesses nothing."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions.action_log import Difference, Part
from ostoo_build.execution.decided import FEATURES, Kind
from ostoo_build.why import history as histories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ostoo_build.actions.action_log import Entry
    from ostoo_build.execution.decided import Decided
    from ostoo_build.why.build_notes import BuildNote
    from ostoo_build.why.history import History


class Verdict(Enum):
    """What became of what was asked about, in the last build that decided it."""

    BUILT = "built"
    RESTORED = "restored"
    FAILED = "failed"
    STOPPED = "stopped"
    UP_TO_DATE = "up to date"
    NEVER_BUILT = "never built"
    CHANGED = "changed"
    CHANGED_SINCE = "changed since"
    UNCHANGED = "unchanged"
    UNREAD = "unread"


class Step(Struct, frozen=True):
    """An action that followed, and how its outputs were obtained.

    `because` is the name of the step whose output changed; empty if none did. `reasons` are given if nothing changed.
    """

    name: str
    folder: str
    way: str
    reasons: tuple[str, ...]
    is_failed: bool
    because: str


class Other(Struct, frozen=True):
    """A program that a cause reached, or not: then `why` says why not. `cause` is the name of what changed."""

    program: str
    cause: str
    is_reached: bool
    why: str


class Answer(Struct, frozen=True, kw_only=True):
    """The answer. `began` and `words` are of the build, in nanoseconds since the epoch; 0 if no known one decided it.

    `way` and `reasons` are how the results were obtained, and why in no cheaper way. `causes` are what changed, and
    there are `others_changed` more; `because` are the actions of which an output changed. `steps` followed, in build
    order. `before` is the answer for the last build that made what was up to date in this one.
    """

    asked: str
    verdict: Verdict
    began: int = 0
    words: tuple[str, ...] = ()
    is_latest: bool = True
    way: str = ""
    reasons: tuple[str, ...] = ()
    causes: tuple[Difference, ...] = ()
    others_changed: int = 0
    because: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    programs: tuple[Other, ...] = ()
    before: Answer | None = None


def verdict_of(build: BuildNote, decided: Decided) -> Verdict:
    """Return what became of an action or a program in a build."""
    if decided.is_failed:
        return Verdict.STOPPED if build.is_stopped else Verdict.FAILED
    return Verdict.RESTORED if decided.kind in (Kind.CACHED, Kind.TEAM) else Verdict.BUILT


def reasons_of(decided: Decided) -> tuple[str, ...]:
    """Return the texts of a decision's reasons."""
    return tuple(reason.value for reason in decided.reasons)


def maker_of(cause: Difference, parts: Iterable[Decided]) -> Decided | None:
    """Return the action whose output a cause is; the folder of another may be inside of its own."""
    if cause.part is not Part.FILE:
        return None
    makers = (part for part in parts if cause.name.startswith(f"{part.folder}/"))
    return max(makers, key=lambda part: len(part.folder), default=None)


def parts_of(build: BuildNote, published: str) -> list[Decided]:
    """Return the decided actions of a program, in build order."""
    return [part for part in map(build.of, build.parts.get(published, ())) if part is not None]


def steps(history: History, parts: Sequence[Decided]) -> Iterator[Step]:
    """Yield actions as steps."""
    for part in parts:
        makers = [maker for cause in part.causes if (maker := maker_of(cause, parts)) is not None]
        yield Step(
            name=name_of(history, part),
            folder=part.folder,
            way=part.kind.value,
            reasons=() if part.causes else reasons_of(part),
            is_failed=part.is_failed,
            because=name_of(history, makers[0]) if makers else "",
        )


def name_of(history: History, decided: Decided) -> str:
    """Return the name of an action for users."""
    kinds = {"Link": "link", "Strip": "strip", "ElfCheck": "check"}
    kind = kinds.get(decided.mnemonic, "")
    name = history.name(decided.folder, decided.subject)
    return f"{kind} {name}" if kind else name


def others(history: History, build: BuildNote, published: str, changed: Difference) -> Iterator[Other]:
    """Yield the other programs: those that a change reached, and those that it did not, with the reason.

    Programs for another target or of another profile are only told of if the build made them.
    """
    folders = {path: path.removesuffix(f"/{name_of_program(entry)}") for path, entry in history.programs.items()}
    for path, entry in history.programs.items():
        decided = build.of(path)
        if path == published:
            continue
        if decided is not None and changed in decided.causes:
            yield Other(name_of_program(entry), changed.name, is_reached=True, why="")
        elif folders[path] == folders.get(published) and changed.part is Part.FILE and changed.name in entry.unread:
            why = unread_because(history, changed.name, entry)
            yield Other(name_of_program(entry), changed.name, is_reached=False, why=why)


def name_of_program(entry: Entry) -> str:
    """Return the name of a program."""
    return entry.arguments[0]


def unread_because(history: History, path: str, entry: Entry) -> str:
    """Say why a program does not read a file of a package of its."""
    for unit, theirs in _readers(history, path):
        its = _selected(entry, unit)
        for word, names in (("without", theirs - its), ("with", its - theirs)):
            if names:
                return f"it uses {unit.partition(' v')[0]} {word} {', '.join(sorted(names))}"
    return "it does not read the file"


def _readers(history: History, path: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the units that read a file, each with its features."""
    for entry in history.actions.values():
        if entry.mnemonic == histories.COMPILATION and entry.reads(path) and histories.label(entry):
            yield histories.label(entry), set(filter(None, histories.features(entry).split(", ")))


def _selected(entry: Entry, unit: str) -> set[str]:
    """Return all features of a unit in a program."""
    told = entry.parts.get(f"{FEATURES}{unit}", "").replace(" | ", ", ")
    return {name for name in told.split(", ") if name and name != "none"}
