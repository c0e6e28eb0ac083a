"""Answers for a program: why the last build made it, or that it was up to date and what did not reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions.action_log import Part
from ostoo_build.why import answers
from ostoo_build.why.answers import Answer, Other, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.actions.action_log import Difference
    from ostoo_build.execution.decided import Decided
    from ostoo_build.why.build_notes import BuildNote
    from ostoo_build.why.history import History


def answer(history: History, program: str, published: str) -> Answer:
    """Answer for a program; `published` is its path."""
    made = _made(history, program, published)
    latest = next(iter(history.builds), None)
    if latest is None or published not in latest.current:
        return made
    return Answer(
        asked=program,
        verdict=Verdict.UP_TO_DATE,
        began=latest.began,
        words=latest.words,
        programs=tuple(_unreached(history, latest, program, published)),
        before=made,
    )


def _made(history: History, program: str, published: str) -> Answer:
    found = history.decided(published)
    if found is None:
        is_known = published in history.programs
        return Answer(asked=program, verdict=Verdict.UP_TO_DATE if is_known else Verdict.NEVER_BUILT)
    build, decided = found
    parts = answers.parts_of(build, published)
    causes = decided.causes or tuple(_roots(parts))
    return Answer(
        asked=program,
        verdict=answers.verdict_of(build, decided),
        began=build.began,
        words=build.words,
        is_latest=build is history.builds[0],
        way=decided.kind.value,
        reasons=answers.reasons_of(decided),
        causes=causes,
        others_changed=decided.others,
        steps=tuple(answers.steps(history, parts)),
        programs=tuple(answers.others(history, build, published, causes[0])) if causes else (),
    )


def _roots(parts: Sequence[Decided]) -> Iterator[Difference]:
    """Yield what changed other than outputs of the parts themselves, each once."""
    found = (cause for part in parts for cause in part.causes if answers.maker_of(cause, parts) is None)
    yield from dict.fromkeys(found)


def _unreached(history: History, build: BuildNote, program: str, published: str) -> Iterator[Other]:
    """Yield each changed file that reached another program in a build and not this one, with the reason."""
    causes = (cause for decided in build.decided if decided.folder in history.programs for cause in decided.causes)
    entry = history.programs.get(published)
    for cause in dict.fromkeys(each.name for each in causes if each.part is Part.FILE):
        if entry is not None and not entry.reads(cause):
            why = answers.unread_because(history, cause, entry) if cause in entry.unread else "nothing of it is near"
            yield Other(program, cause, is_reached=False, why=why)
