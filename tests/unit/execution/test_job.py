from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace as with_fields

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import Record
from ostoo_build.execution.job import Job, UpToDate

if TYPE_CHECKING:
    from pathlib import Path

ACTION = Action("Rustc", ("rustc",), (), (), ("build/a/x",))


def action_of(reads: tuple[str, ...]) -> Action:
    return with_fields(ACTION, arguments=("rustc", *reads))


def job(folder: Path, reads: tuple[str, ...] = ()) -> Job:
    """One whose action is another one for each that it reads, and for each that a run can have seen."""
    return Job(
        action=action_of(reads),
        folder=folder,
        results="build/a",
        verb="Compiling",
        subject="a",
        run=lambda: Outcome(()),
        reads=reads,
        reading=lambda others: job(folder, others),
        seeing=lambda seen: with_fields(action_of(reads), environment=tuple((name, "") for name in seen)),
        promised=("x",),
    )


def test_a_job_that_reads_other_files_is_another_one(tmp_path: Path) -> None:
    made = job(tmp_path, ("a",))
    assert made.of(("a",)) is made
    assert made.of(("b",)).action == action_of(("b",))
    assert made.of(()).reads == ()
    plain = Job(ACTION, tmp_path, "build/a", "Linking", "a", lambda: Outcome(()))
    assert plain.of(("b",)) is plain, "what nothing tells of reads what it declares"


def test_the_key_is_that_of_what_a_run_can_have_seen_where_that_is_known(tmp_path: Path) -> None:
    made = job(tmp_path)
    assert made.key(None) == ACTION.key
    assert len({made.key(None), made.key(()), made.key(("a",)), made.key(("b",))}) == 3
    assert made.key(()) == ACTION.key, "here a run that has seen nothing is the same"
    plain = Job(ACTION, tmp_path, "build/a", "Linking", "a", lambda: Outcome(()))
    assert plain.key(("a",)) == ACTION.key


def test_a_record_answers_if_and_only_if_its_key_is_the_one_there_is_now(tmp_path: Path) -> None:
    made = job(tmp_path)
    good = Record(made.key(("a",)), {}, seen=("a",))
    assert made.is_answered_by(good)
    assert UpToDate(made, good).is_kept
    for other in (
        with_fields(good, seen=None),
        with_fields(good, seen=("b",)),
        with_fields(good, key=ACTION.key),
        with_fields(good, is_answer=False),
    ):
        assert not made.is_answered_by(other)
        assert not UpToDate(made, other).is_kept


def test_its_outputs_lie_where_the_action_knows_them(tmp_path: Path) -> None:
    place = job(tmp_path).place
    assert (place.path, place.folder, place.promised) == ("build/a", tmp_path, ("x",))
