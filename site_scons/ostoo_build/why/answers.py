"""Answers why a program was built, or not: the causes, and what followed from them. Guesses nothing."""

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
    UP_TO_DATE = "up to date"
    NEVER_BUILT = "never built"
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
    """Another program, and how the causes concern it; `why` is empty if it was built for the same cause."""

    program: str
    is_reached: bool
    why: str


class Answer(Struct, frozen=True, kw_only=True):
    """The answer. `began` and `words` are of the build, in nanoseconds since the epoch.

    `way` and `reasons` are how the results were obtained, and why in no cheaper way. `causes` are what changed, and
    there are `others_changed` more. `steps` followed, in build order.
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
    steps: tuple[Step, ...] = ()
    programs: tuple[Other, ...] = ()


def of_program(history: History, program: str, published: Sequence[str]) -> list[Answer]:
    """Answer for a program, once for each target; `published` are its paths."""
    return [_of_published(history, program, path) for path in published]


def _of_published(history: History, program: str, published: str) -> Answer:
    found = history.decided(published)
    if found is None:
        is_known = published in history.programs
        return Answer(asked=program, verdict=Verdict.UP_TO_DATE if is_known else Verdict.NEVER_BUILT)
    build, decided = found
    folders = build.parts.get(published, ())
    parts = [part for part in map(build.of, folders) if part is not None]
    causes = decided.causes or tuple(_roots(parts))
    return Answer(
        asked=program,
        verdict=_verdict(decided),
        began=build.began,
        words=build.words,
        is_latest=build is history.builds[0],
        way=decided.kind.value,
        reasons=tuple(reason.value for reason in decided.reasons),
        causes=causes,
        others_changed=decided.others,
        steps=tuple(_steps(history, parts)),
        programs=tuple(_others(history, build, published, causes)),
    )


def _verdict(decided: Decided) -> Verdict:
    if decided.is_failed:
        return Verdict.FAILED
    return Verdict.RESTORED if decided.kind in (Kind.CACHED, Kind.TEAM) else Verdict.BUILT


def _roots(parts: Sequence[Decided]) -> Iterator[Difference]:
    """Yield what changed other than outputs of the parts themselves, each once."""
    seen = set()
    for part in parts:
        for cause in part.causes:
            if maker_of(cause, parts) is None and cause not in seen:
                seen.add(cause)
                yield cause


def maker_of(cause: Difference, parts: Iterable[Decided]) -> Decided | None:
    """Return the action whose output a cause is; the folder of another may be inside of its own."""
    if cause.part is not Part.FILE:
        return None
    makers = (part for part in parts if cause.name.startswith(f"{part.folder}/"))
    return max(makers, key=lambda part: len(part.folder), default=None)


def _steps(history: History, parts: Sequence[Decided]) -> Iterator[Step]:
    for part in parts:
        makers = [maker for cause in part.causes if (maker := maker_of(cause, parts)) is not None]
        yield Step(
            name=name_of(history, part),
            folder=part.folder,
            way=part.kind.value,
            reasons=() if part.causes else tuple(reason.value for reason in part.reasons),
            is_failed=part.is_failed,
            because=name_of(history, makers[0]) if makers else "",
        )


def name_of(history: History, decided: Decided) -> str:
    """Return the name of an action for users."""
    kinds = {"Link": "link", "Strip": "strip", "ElfCheck": "check"}
    kind = kinds.get(decided.mnemonic, "")
    name = history.name(decided.folder, decided.subject)
    return f"{kind} {name}" if kind else name


def _others(history: History, build: BuildNote, published: str, causes: Sequence[Difference]) -> Iterator[Other]:
    """Yield the other programs: those that the first cause reached, and those that it did not, with the reason."""
    changed = causes[0] if causes else None
    if changed is None:
        return
    for path, entry in history.programs.items():
        if path == published:
            continue
        decided = build.of(path)
        if decided is not None and changed in decided.causes:
            yield Other(_name(entry), is_reached=True, why="")
        elif changed.part is Part.FILE and changed.name not in entry.inputs:
            why = unread_because(history, changed.name, history.programs.get(published), entry)
            if why:
                yield Other(_name(entry), is_reached=False, why=why)


def _name(entry: Entry) -> str:
    return entry.arguments[0]


def unread_because(history: History, path: str, reader: Entry | None, entry: Entry) -> str:
    """Say why a program does not read a file that another one reads; empty if it has nothing to do with it."""
    if path not in entry.unread:
        return ""
    for unit in dict.fromkeys(filter(None, map(histories.label, _readers(history, path)))):
        if reader is None or len(history.features_of(unit)) <= 1:
            continue
        theirs, its = (_selected(each, unit) for each in (reader, entry))
        for word, names in (("without", theirs - its), ("with", its - theirs)):
            if names:
                return f"it uses {unit.partition(' v')[0]} {word} {', '.join(sorted(names))}"
    return "nothing of it reads the file"


def _readers(history: History, path: str) -> Iterator[Entry]:
    return (entry for entry in history.actions.values() if path in entry.inputs)


def _selected(entry: Entry, unit: str) -> set[str]:
    """Return all features of a unit in a program."""
    told = entry.parts.get(f"{FEATURES}{unit}", "").replace(" | ", ", ")
    return {name for name in told.split(", ") if name and name != "none"}
