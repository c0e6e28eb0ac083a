"""Answers for a file: which programs read it, what its last change did, or why it did nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions.action_log import Part
from ostoo_build.base import digest
from ostoo_build.why import about_units, answers
from ostoo_build.why.answers import Answer, Other, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.actions.action_log import Difference
    from ostoo_build.execution.decided import Decided
    from ostoo_build.why.build_notes import BuildNote
    from ostoo_build.why.history import History


def is_known(history: History, path: str) -> bool:
    """Whether a build saw the file with this portable path."""
    return any(path in entry.inputs or path in entry.unread for entry in history.programs.values())


def answer(history: History, root: Path, path: str) -> Answer:
    """Answer for a portable path."""
    for build in history.builds:
        changes = [(each, cause) for each in build.decided for cause in each.causes if _is_of(cause, path)]
        if changes:
            return _changed(history, build, [each for each, _ in changes], changes[0][1])
    readers = tuple(_readers(history, path))
    if not any(each.is_reached for each in readers):
        return Answer(asked=path, verdict=Verdict.UNREAD, programs=readers)
    is_same = any(entry.states(path).split(" ")[0] == _digest(root, path) for entry in history.programs.values())
    return Answer(asked=path, verdict=Verdict.UNCHANGED if is_same else Verdict.CHANGED_SINCE, programs=readers)


def _is_of(cause: Difference, path: str) -> bool:
    return cause.part is Part.FILE and cause.name == path


def _changed(history: History, build: BuildNote, reached: list[Decided], cause: Difference) -> Answer:
    first = [each for each in reached if each.folder not in history.programs]
    found = {each.folder: each for one in first for each in (one, *about_units.followers(build, one))}
    whole = [each for each in reached if each.folder in history.programs]
    steps = [each for each in build.decided if each.folder in found]
    return Answer(
        asked=cause.name,
        verdict=Verdict.CHANGED,
        began=build.began,
        words=build.words,
        is_latest=build is history.builds[0],
        causes=(cause,),
        steps=tuple(answers.steps(history, steps)),
        programs=(
            *(Other(each.subject, cause.name, is_reached=True, why=each.kind.value) for each in whole),
            *(each for each in answers.others(history, build, "", cause) if not each.is_reached),
        ),
    )


def _readers(history: History, path: str) -> Iterator[Other]:
    """Yield the programs that read a file, and those with a package that has it."""
    for entry in history.programs.values():
        name = answers.name_of_program(entry)
        if entry.reads(path):
            yield Other(name, path, is_reached=True, why="")
        elif path in entry.unread:
            yield Other(name, path, is_reached=False, why=answers.unread_because(history, path, entry))


def _digest(root: Path, path: str) -> str:
    try:
        return digest.of_file(root / path)
    except OSError:
        return ""
