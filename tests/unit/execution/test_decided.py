"""The one value that explains an action: its way, the reasons, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions.action import Action
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import Record
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.execution.decided import Decided, Decisions, Kind, kind_of
from ostoo_build.execution.decision import Cached, Local, Reason, Remote
from ostoo_build.execution.job import Job

if TYPE_CHECKING:
    from pathlib import Path


READ, UNREAD = Input("a/lib.rs", "1" * 64, 1), Input("a/other.rs", "2" * 64, 1)
ACTION = Action("Rustc", ("a.rs",), (), (READ,), ("build/a/",))
ASKING = Learned(asked=("WORD",))
WAY = Local((Reason.OTHER_ACTION, Reason.UNCACHED))


def job(root: Path, *inputs: Input, action: Action = ACTION, seen: tuple[Input, ...] = ()) -> Job:
    """A job of an action with these inputs, of which it reads `seen`, or all."""
    whole = replace(action, inputs=inputs)
    made = Job(whole, root / "build/a", "build/a", "Compiling", "a v1", lambda: Outcome(()))
    if not seen:
        return made
    return replace(
        made,
        learned=replace(made.learned, seen=tuple(each.path for each in seen)),
        seeing=lambda names: replace(whole, inputs=tuple(each for each in inputs if each.path in names)),
    )


def taken(root: Path, asked: Job) -> Decided:
    """What an invocation decides."""
    decisions = Decisions(root / "log", PathMap((("root", root),)))
    return decisions.take(asked, WAY, decisions.begin_job(asked))


def causes(root: Path, before: Job, after: Job) -> list[tuple[str, str, str]]:
    assert taken(root, before).causes == ()
    return [(each.what, each.first, each.second) for each in taken(root, after).causes]


def test_people_read_the_way_and_why_it_is_no_cheaper_one() -> None:
    found = Decided("a", "Rustc", "build/a", Kind.CACHED, (Reason.ALTERED,))
    assert found.told == "taken from the cache: outputs were modified or removed"
    found = Decided("a", "Rustc", "build/a", Kind.REMOTE, (Reason.NOTHING, Reason.UNCACHED))
    assert found.told == "run remotely: it has no outputs yet; not in the cache"
    assert replace(found, reasons=()).told == "run remotely"
    changed = replace(found, causes=(action_log.Difference(action_log.Part.FILE, "a.rs", "1", "2"),))
    assert (changed.cause, found.cause) == ("another file a.rs", "")


def test_each_decision_has_a_kind_of_its_own(tmp_path: Path) -> None:
    cached = Cached(Record("k", {}), job(tmp_path), ())
    decisions = (cached, replace(cached, is_of_team=True), Remote(()), Local(()))
    assert [kind_of(each) for each in decisions] == [Kind.CACHED, Kind.TEAM, Kind.REMOTE, Kind.LOCAL]


def test_a_changed_file_is_the_cause(tmp_path: Path) -> None:
    later = READ._replace(sha256="3" * 64)
    found = causes(tmp_path, job(tmp_path, READ, UNREAD), job(tmp_path, later, UNREAD))
    assert found == [("file a/lib.rs", "1" * 64, "3" * 64)]


def test_a_file_that_is_just_read_for_the_first_time_is_no_cause(tmp_path: Path) -> None:
    """After a failure nothing tells what the last run read: then all files count."""
    one = job(tmp_path, READ, UNREAD, seen=(READ,))
    assert causes(tmp_path, one, job(tmp_path, READ._replace(sha256="3" * 64), UNREAD)) == [
        ("file a/lib.rs", "1" * 64, "3" * 64)
    ]


def test_a_new_file_and_one_that_is_gone_are_causes(tmp_path: Path) -> None:
    assert causes(tmp_path, job(tmp_path, READ), job(tmp_path, UNREAD)) == [
        ("file a/lib.rs", "1" * 64, ""),
        ("file a/other.rs", "", "2" * 64),
    ]


def test_a_file_that_only_one_run_told_of_is_no_cause(tmp_path: Path) -> None:
    outside = Input("b/data/text", "1" * 64, 1)
    telling = replace(job(tmp_path, READ, outside), learned=Learned(reads=("b/data",)))
    assert causes(tmp_path / "one", telling, job(tmp_path, READ)) == []
    assert causes(tmp_path / "two", job(tmp_path, READ), telling) == []
    gone = replace(job(tmp_path, READ), learned=Learned(reads=("b/data",)))
    assert causes(tmp_path / "three", telling, gone) == [("file b/data/text", "1" * 64, "")]


def test_a_variable_that_only_one_run_asked_for_is_no_cause(tmp_path: Path) -> None:
    set_to = replace(job(tmp_path, action=replace(ACTION, environment=(("WORD", "1"),))), learned=ASKING)
    unset = replace(job(tmp_path), learned=ASKING)
    assert causes(tmp_path / "one", set_to, job(tmp_path)) == []
    assert causes(tmp_path / "two", job(tmp_path), set_to) == []
    assert causes(tmp_path / "three", set_to, unset) == [("env WORD", "1", "")]
    assert causes(tmp_path / "four", unset, set_to) == [("env WORD", "", "1")]


def test_a_variable_that_the_action_declares_is_a_cause(tmp_path: Path) -> None:
    declaring = job(tmp_path, action=replace(ACTION, environment=(("WORD", "1"),)))
    assert causes(tmp_path, declaring, job(tmp_path)) == [("env WORD", "1", "")]


def test_many_causes_are_counted(tmp_path: Path) -> None:
    inputs = tuple(Input(f"a/{number}.rs", "1" * 64, 1) for number in range(40))
    taken(tmp_path, job(tmp_path))
    found = taken(tmp_path, job(tmp_path, *inputs))
    assert (len(found.causes), found.others) == (32, 8)


def test_a_decision_that_is_taken_again_keeps_its_causes(tmp_path: Path) -> None:
    """A crate that asks for a variable is made twice: the variable was there before."""
    decisions = Decisions(tmp_path / "log", PathMap((("root", tmp_path),)))
    taken(tmp_path, job(tmp_path, READ))
    later = job(tmp_path, READ._replace(sha256="3" * 64))
    first = decisions.take(later, WAY, decisions.begin_job(later))
    asking = replace(later, action=replace(later.action, environment=(("WORD", "1"),)))
    again = decisions.take(asking, WAY, decisions.begin_job(asking))
    assert again.causes == first.causes != ()
    assert decisions.made == {"build/a": again}
    assert again.is_failed
    decisions.done(again)
    assert not decisions.made["build/a"].is_failed


def test_digests_of_parts_say_nothing(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path / "log", PathMap((("root", tmp_path),)))
    one = action_log.entry(replace(ACTION, salt=(("a", "1"),)), "build/p")
    one = replace(one, parts={"features of a": "none", "size budget": "5"})
    program = Decided("p", "RustProgram", "build/p", Kind.PARTS)
    other = replace(one, salt={"a": "2"})
    assert [each.what for each in replace(decisions, made={}).add(program, other, one).causes] == []
    other = replace(other, parts={**one.parts, "features of a": "loud"})
    assert [each.what for each in replace(decisions, made={}).add(program, other, one).causes] == ["features of a"]


def test_a_file_of_which_nothing_is_known_is_a_cause_only_if_nothing_was_known(tmp_path: Path) -> None:
    later = UNREAD._replace(sha256="3" * 64)

    def unsure(*inputs: Input) -> Job:
        return replace(job(tmp_path, *inputs), seeing=lambda _names: replace(ACTION, inputs=()))

    assert causes(tmp_path / "one", job(tmp_path, READ), unsure(READ, UNREAD)) == []
    found = causes(tmp_path / "two", unsure(READ, UNREAD), unsure(READ, later))
    assert found == [("file a/other.rs", "2" * 64, "3" * 64)]
