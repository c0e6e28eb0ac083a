from __future__ import annotations

import os

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.doctor import checks
from ostoo_build.doctor.subject import Subject
from ostoo_build.doctor.verdict import PrerequisiteError, Verdict, ok
from ostoo_build.start import health
from ostoo_build.start.finding import CHECKS, Finding, State

NOWHERE = Subject(None, (), os.environ)


def made(monkeypatch: pytest.MonkeyPatch, raised: BaseException | None) -> Finding:
    def check(_: Subject) -> Verdict:
        if raised:
            raise raised
        return ok("1.0")

    monkeypatch.setattr(checks, "TABLE", {"disk": check})
    return checks.make("disk", NOWHERE)


def test_all_checks_are_there_in_their_order() -> None:
    assert (*(finding.check for finding in health.findings()), *checks.TABLE) == CHECKS


def test_what_a_check_finds_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, None) == Finding("disk", State.OK, "1.0")


@pytest.mark.parametrize(
    ("raised", "state", "problem", "remedy"),
    [
        (OstooError("no", where="there", remedy="do"), State.ERROR, "no\nthere", "do"),
        (OstooError("no"), State.ERROR, "no", "correct it there, or where it is named"),
        (PrerequisiteError("toolchain"), State.NOT_RUN, "it needs what the check `toolchain` has found broken", "mend"),
        (PermissionError(13, "denied", "/x"), State.ERROR, "denied: /x", "see"),
        (ZeroDivisionError("oh"), State.ERROR, "this check has a mistake: ZeroDivisionError('oh')", "report"),
    ],
)
def test_an_error_is_what_a_check_finds(
    raised: BaseException, state: State, problem: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(monkeypatch, raised)
    assert (found.check, found.state, found.problem) == ("disk", state, problem)
    assert found.remedy.startswith(remedy)
