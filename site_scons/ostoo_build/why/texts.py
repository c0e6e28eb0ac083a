"""Shows answers as text: one cause first, then what followed from it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ostoo_build.actions.action_log import Part
from ostoo_build.base import digest
from ostoo_build.execution.decided import FEATURES
from ostoo_build.why.answers import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.actions.action_log import Difference
    from ostoo_build.why.answers import Answer, Other, Step

_SHORT = 12
"""How many digits are shown of a digest."""

_LONGEST = 200
"""The maximum length of a value; `--json` has all of it."""

_MOST = 8
"""How many causes are shown; `--json` has all that are kept."""

_OF_FILES = (Verdict.CHANGED, Verdict.CHANGED_SINCE, Verdict.UNCHANGED, Verdict.UNREAD)

_OUTCOMES = {
    Verdict.BUILT: "was built",
    Verdict.RESTORED: "was restored as a whole",
    Verdict.FAILED: "failed",
    Verdict.STOPPED: "was stopped",
}


def show(answers: Sequence[Answer]) -> str:
    """Return the text of answers, each with a newline at its end."""
    return "\n".join(f"{line}" for answer in answers for line in _lines(answer)) + "\n"


def _lines(answer: Answer) -> Iterator[str]:
    if answer.verdict is Verdict.NEVER_BUILT:
        yield f"{answer.asked} was never built here"
        return
    if answer.verdict is Verdict.UP_TO_DATE:
        yield from _up_to_date(answer)
        return
    if answer.verdict in _OF_FILES:
        yield from _of_file(answer)
        return
    reasons = f": {'; '.join(answer.reasons)}" if answer.reasons else ""
    yield f"{answer.asked} {_OUTCOMES[answer.verdict]} in {_build(answer)} ({answer.way}{reasons})"
    causes = _grouped(answer.causes)
    if answer.because:
        yield f"  because of {', '.join(answer.because)}"
    elif not causes:
        yield "  nothing that it is made of is known to have changed"
    yield from (f"  {line}" for line in causes[:_MOST])
    left = len(causes[_MOST:]) + answer.others_changed
    if left:
        yield f"  and {left} more"
    yield from _steps(answer)
    yield from _programs(answer.programs)


def _up_to_date(answer: Answer) -> Iterator[str]:
    if not answer.began:
        yield f"{answer.asked} was made before the builds that are known: they found it up to date, or did not need it"
        return
    yield f"{answer.asked} was up to date in {_build(answer)}"
    yield from (f"  {each.cause} changed, but {each.why}" for each in answer.programs)
    if answer.before is not None:
        yield from _lines(answer.before)


def _of_file(answer: Answer) -> Iterator[str]:
    reached = ", ".join(each.program for each in answer.programs if each.is_reached)
    if answer.verdict is Verdict.CHANGED:
        yield f"{answer.asked} changed before {_build(answer)}"
        yield from (f"  {line}" for line in _grouped(answer.causes))
        yield from _steps(answer)
        yield from (f"  {each.program} was {each.why}" for each in answer.programs if each.is_reached)
    elif answer.verdict is Verdict.UNREAD:
        yield f"no program reads {answer.asked}: an edit of it builds nothing"
    else:
        state = "has not changed" if answer.verdict is Verdict.UNCHANGED else "has changed"
        yield f"{answer.asked} is read by {reached}, and {state} since they were made"
    yield from (f"  {each.program} not: {each.why}" for each in answer.programs if not each.is_reached)


def _build(answer: Answer) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(answer.began / 1e9))
    words = " ".join(answer.words) or "all"
    return f"{'the last build' if answer.is_latest else 'an earlier build'}, of {words} at {when}"


def _steps(answer: Answer) -> Iterator[str]:
    """Yield a line for each step that followed, then one for all others that have the same reason."""
    groups: dict[object, list[Step]] = {}
    failed = "was not finished" if answer.verdict is Verdict.STOPPED else "failed"
    for step in answer.steps:
        is_alone = step.is_failed or not step.reasons
        groups.setdefault(step.name if is_alone else (step.way, step.reasons), []).append(step)
    for group in sorted(groups.values(), key=lambda group: bool(group[0].reasons)):
        names = [step.name for step in group]
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        yield f"  -> {', '.join(dict.fromkeys(names[:_MOST]))}{more}{_how(group[0], failed)}"


def _how(step: Step, failed: str) -> str:
    because = f", because of {step.because}" if step.because else ""
    way = failed if step.is_failed else step.way
    return f"{because}: {'; '.join((way, *step.reasons))}"


def _programs(programs: Sequence[Other]) -> Iterator[str]:
    reached = [each.program for each in programs if each.is_reached]
    if reached:
        yield f"  the same cause reached {', '.join(reached)}"
    yield from (f"  {each.program} not: {each.why}" for each in programs if not each.is_reached)


def _grouped(causes: Sequence[Difference]) -> list[str]:
    """Return a line for each cause, and one for all units with the same change of flags."""
    found: dict[str, list[str]] = {}
    for cause in causes:
        subject, change = told(cause)
        found.setdefault(change if subject.startswith("flags of ") else f"{subject} {change}", []).append(subject)
    return [_of_group(text, subjects) for text, subjects in found.items()]


def _of_group(text: str, subjects: list[str]) -> str:
    if not subjects[0].startswith("flags of "):
        return text
    more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
    return f"{subjects[0]}{more} {text}"


def told(cause: Difference) -> tuple[str, str]:
    """Return what changed, and how."""
    subject = {Part.TOOLCHAIN: "the toolchain", Part.CODE: "this build's own code", Part.FILE: cause.name}.get(
        cause.part, cause.what
    )
    if cause.part is Part.VARIABLE:
        subject = f"the variable {cause.name}"
    first, second = cause.first, cause.second
    if subject.startswith("flags of "):
        before, after = first.split("\n"), second.split("\n")
        first = " ".join(word for word in before if word not in after)
        second = " ".join(word for word in after if word not in before)
    if subject.startswith(FEATURES) and "" in (first, second):
        there = "is new" if second else "is no longer"
        return subject.removeprefix(FEATURES), f"{there} among its crates (features: {first or second})"
    if not cause.first:
        return subject, f"is new: {_value(second)}"
    if not cause.second:
        return subject, f"is gone: it was {_value(first)}"
    return subject, f"changed: {_value(first) or '(nothing)'} -> {_value(second) or '(nothing)'}"


def _value(text: str) -> str:
    if len(text.split(" ", maxsplit=1)[0]) == len(digest.of_bytes(b"")) and " " not in text.strip():
        return text[:_SHORT]
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
