"""Answers for a unit: why the last build that decided it made it, and what followed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions.action_log import Part
from ostoo_build.why import answers
from ostoo_build.why import history as histories
from ostoo_build.why.answers import Answer, Other, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.actions.action_log import Difference, Entry
    from ostoo_build.execution.decided import Decided
    from ostoo_build.why.build_notes import BuildNote
    from ostoo_build.why.history import History

_RUN = "BuildScriptRun"


def names(history: History) -> set[str]:
    """Return all names by which units can be asked for."""
    found = (name for entry in history.actions.values() for name in _names(entry))
    return set(found)


def _names(entry: Entry) -> Iterator[str]:
    """Yield the names of a unit: of its package, that with the version, and its id."""
    label = histories.label(entry)
    if entry.mnemonic in (histories.COMPILATION, _RUN) and label:
        yield from (label.partition(" v")[0], label, entry.results.rpartition("/")[2])


def answer(history: History, name: str) -> list[Answer]:
    """Answer for each unit with this name, the last one made first: there may be some of former features or flags."""
    folders = dict.fromkeys(entry.results for entry in history.actions.values() if name in _names(entry))
    return sorted((_of_folder(history, name, folder) for folder in folders), key=lambda each: -each.began)


def _of_folder(history: History, name: str, folder: str) -> Answer:
    found = history.decided(folder)
    if found is None:
        return Answer(asked=name, verdict=Verdict.UP_TO_DATE)
    build, decided = found
    makers = {cause: answers.maker_of(cause, build.decided) for cause in decided.causes}
    own = tuple(cause for cause, maker in makers.items() if maker is None)
    changed = tuple(maker for maker in makers.values() if maker is not None)
    return Answer(
        asked=answers.name_of(history, decided),
        verdict=answers.verdict_of(build, decided),
        began=build.began,
        words=build.words,
        is_latest=build is history.builds[0],
        way=decided.kind.value,
        reasons=answers.reasons_of(decided),
        causes=own or (() if changed else tuple(_of_plan(history, build, decided))),
        others_changed=decided.others,
        because=tuple(dict.fromkeys(answers.name_of(history, maker) for maker in changed)),
        steps=tuple(answers.steps(history, followers(build, decided))),
        programs=tuple(_programs(history, build, folder)),
    )


def followers(build: BuildNote, first: Decided) -> list[Decided]:
    """Return the actions of which an output of this one, or of a follower, is a cause; in build order."""
    found = [first]
    for each in build.decided:
        if each is not first and any(answers.maker_of(cause, found) for cause in each.causes):
            found.append(each)
    return found[1:]


def _of_plan(history: History, build: BuildNote, decided: Decided) -> Iterator[Difference]:
    """Yield what the plans of programs say of a unit that is new: its former id had other features or flags."""
    causes = (
        cause
        for program in build.decided
        if decided.folder in build.parts.get(program.folder, ())
        for cause in program.causes
    )
    entry = history.actions.get((histories.COMPILATION, decided.folder))
    label = histories.label(entry) if entry is not None else ""
    for cause in dict.fromkeys(causes):
        _, of, unit = cause.name.partition(" of ")
        if cause.part is Part.PLAN and of and label and unit.startswith(label):
            yield cause


def _programs(history: History, build: BuildNote, folder: str) -> Iterator[Other]:
    for path, entry in history.programs.items():
        if folder in build.parts.get(path, ()):
            yield Other(answers.name_of_program(entry), "", is_reached=True, why="")
