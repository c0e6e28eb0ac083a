"""What a check says, before it has the check's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.start.finding import Finding, State

if TYPE_CHECKING:
    from ostoo_build.base.errors import OstooError


class Verdict(NamedTuple):
    """As in `start.finding`."""

    state: State
    value: str = ""
    problem: str = ""
    remedy: str = ""

    def of(self, check: str) -> Finding:
        return Finding(check, *self)


class PrerequisiteError(Exception):
    """A check can't be made, as `check` has found broken what it needs."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


def ok(value: str) -> Verdict:
    return Verdict(State.OK, value)


def warning(value: str, problem: str, remedy: str) -> Verdict:
    return Verdict(State.WARNING, value, problem, remedy)


def error(value: str, problem: str, remedy: str) -> Verdict:
    return Verdict(State.ERROR, value, problem, remedy)


def of_error(refused: OstooError) -> Verdict:
    """Return the verdict for an error with which a build would end."""
    return error("", text(refused), remedy(refused))


def text(refused: OstooError) -> str:
    """Return what happened, and where."""
    return "\n".join(filter(None, (refused.what, refused.where)))


def remedy(refused: OstooError) -> str:
    """Return what to do. Most errors without a remedy say by themselves what is wrong with a file or a word."""
    return refused.remedy or "correct it there, or where it is named: on the command line or in ostoo.toml"
