from __future__ import annotations

from pathlib import Path

import pytest

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import Record
from ostoo_build.execution.decision import Cached, Local, Present, Reason, Remote, tried_with
from ostoo_build.execution.job import Job

RECORD = Record("k", {})
JOB = Job(Action("Rustc", (), (), (), ()), Path("build/a"), "build/a", "Compiling", "a", lambda: Outcome(()))


@pytest.mark.parametrize(
    ("decision", "why_not", "tried"),
    [
        (
            Cached(RECORD, JOB, (Reason.NOTHING,)),
            Reason.LOST,
            {Present: Reason.NOTHING, Cached: Reason.LOST},
        ),
        (
            Remote((Reason.NOTHING, Reason.UNCACHED)),
            Reason.NO_RESULT,
            {Present: Reason.NOTHING, Cached: Reason.UNCACHED, Remote: Reason.NO_RESULT},
        ),
        (
            Local((Reason.NOTHING, Reason.UNCACHED, Reason.GIVEN_UP)),
            Reason.LOST,
            {Present: Reason.NOTHING, Cached: Reason.UNCACHED, Remote: Reason.GIVEN_UP, Local: Reason.LOST},
        ),
    ],
)
def test_what_was_tried_in_vain_is_known_with_all_before_it(
    decision: Cached | Remote | Local, why_not: Reason, tried: dict[type, Reason]
) -> None:
    assert tried_with(decision, why_not) == tried


def test_each_reason_has_words_of_its_own() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
