from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace as with_fields

from ostoo_build.actions.action import Action
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import Record
from ostoo_build.execution.job import Job, UpToDate

if TYPE_CHECKING:
    from pathlib import Path

ACTION = Action("Rustc", ("rustc",), (), (), ("build/a/x",))


def action_of(reads: tuple[str, ...]) -> Action:
    return with_fields(ACTION, arguments=("rustc", *reads))


def job(folder: Path, learned: Learned = Learned()) -> Job:  # noqa: B008 - it is frozen
    """One whose action is another one for each that it reads, and for each that a run can have seen."""
    action = action_of(learned.reads)
    return Job(
        action=action,
        folder=folder,
        results="build/a",
        verb="Compiling",
        subject="a",
        run=lambda: Outcome(()),
        learned=learned,
        learning=lambda others: job(folder, others),
        seeing=lambda seen: with_fields(action, environment=tuple((name, "") for name in seen)),
        promised=("x",),
    )


def test_a_job_whose_run_told_something_else_is_another_one(tmp_path: Path) -> None:
    made = job(tmp_path, Learned(("a",)))
    assert made.of(Learned(("a",))) is made
    assert made.of(Learned(("b",))).action == action_of(("b",))
    assert made.of(Learned()).learned == Learned()
    plain = Job(ACTION, tmp_path, "build/a", "Linking", "a", lambda: Outcome(()))
    assert plain.of(Learned(("b",))) is plain, "what nothing tells of reads what it declares"


def key(made: Job, *seen: str) -> str:
    return made.of(Learned(seen=seen)).decisive.key


def test_the_key_is_that_of_what_a_run_can_have_seen_where_that_is_known(tmp_path: Path) -> None:
    made = job(tmp_path)
    assert made.decisive is made.action
    assert len({made.decisive.key, key(made), key(made, "a"), key(made, "b")}) == 3
    assert key(made) == ACTION.key, "here a run that has seen nothing is the same"
    plain = Job(ACTION, tmp_path, "build/a", "Linking", "a", lambda: Outcome(()))
    assert key(plain, "a") == ACTION.key


def test_a_record_answers_if_and_only_if_its_key_is_the_one_there_is_now(tmp_path: Path) -> None:
    made = job(tmp_path)
    good = Record(key(made, "a"), {}, learned=Learned(seen=("a",)))
    assert made.is_answered_by(good)
    assert UpToDate(made, good).is_kept
    for other in (
        with_fields(good, learned=Learned()),
        with_fields(good, learned=Learned(seen=("b",))),
        with_fields(good, learned=Learned(("a",), seen=("a",))),
        with_fields(good, key=ACTION.key),
        with_fields(good, is_answer=False),
    ):
        assert not made.is_answered_by(other)
        assert not UpToDate(made, other).is_kept


def test_what_was_told_is_asked_for_by_what_was_known_before(tmp_path: Path) -> None:
    """It is no result's key."""
    asked = {
        made.question.key
        for learned in (Learned(), Learned(("a",)), Learned(asked=("A",)), Learned(seen=("a",)))
        if (made := job(tmp_path, learned)).question is not None
    }
    assert len(asked) == 1
    assert not asked & {key(job(tmp_path)), ACTION.key}
    assert Job(ACTION, tmp_path, "build/a", "Linking", "a", lambda: Outcome(())).question is None


def test_its_outputs_lie_where_the_action_knows_them(tmp_path: Path) -> None:
    place = job(tmp_path).place
    assert (place.path, place.folder, place.promised) == ("build/a", tmp_path, ("x",))
