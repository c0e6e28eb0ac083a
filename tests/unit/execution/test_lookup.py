"""What runs told, on the way to results: in a cache, of actions that read files by name and variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.action import Action
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import Record
from ostoo_build.base import digest
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.cache.action_cache import ActionCache
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.execution import lookup
from ostoo_build.execution.job import Job

if TYPE_CHECKING:
    from pathlib import Path

MADE = "build/a/x"


@dataclass
class Checkout:
    """One with files and variables, and a job that is another one for each that its run told."""

    folder: Path
    cache: ActionCache
    files: dict[str, str] = field(default_factory=lambda: {"a.rs": "1", "b.rs": "1"})
    variables: dict[str, str] = field(default_factory=dict)

    def job(self, learned: Learned = Learned()) -> Job:  # noqa: B008 - it is frozen
        if "unknown" in learned.reads:
            raise KeyError("unknown")
        if "refused" in learned.asked:
            raise OstooError("refused")
        own = tuple(Input(name, digest.of_bytes(text.encode()), 1) for name, text in self.files.items())
        given = tuple((name, self.variables[name]) for name in learned.asked if name in self.variables)
        action = Action("Rustc", ("rustc",), given, own, (MADE,))

        def seeing(seen: tuple[str, ...]) -> Action:
            return replace(action, inputs=tuple(entry for entry in own if entry.path in seen))

        return Job(
            action,
            self.folder,
            "build/a",
            "",
            "",
            lambda: Outcome(()),
            learned=learned,
            learning=self.job,
            seeing=seeing,
        )

    def make(self, told: Learned, given: tuple[str, ...] = ()) -> Record:
        """Store a result whose run told this, and was given the variables in `given`."""
        job = self.job(replace(told, asked=given))
        self.folder.mkdir(exist_ok=True)
        (self.folder / "x").write_text("made")
        made = Record(job.decisive.key, {"x": records.observe(self.folder / "x")}, learned=told)
        self.cache.store(job.decisive, made, job.place)
        lookup.learn(self.cache, job, made)
        self.cache.flush()
        return made

    def found(self, learned: Learned = Learned()) -> Record | None:  # noqa: B008 - as above
        found = lookup.result(self.cache, self.job(learned))
        assert found is None or found[1].is_answered_by(found[0])
        return found[0] if found else None


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    cache = ActionCache(DiskCache(tmp_path / "cache", 1 << 30), "0" * 64, Console(colour=False, quiet=True))
    return Checkout(tmp_path / "made", cache)


SEEN = Learned(seen=("a.rs", "a/mod.rs"))


def test_a_result_is_found_by_what_its_run_read_whatever_else_there_is(checkout: Checkout) -> None:
    made = checkout.make(SEEN)
    for name, text in (("b.rs", "2"), ("c.rs", "1")):
        checkout.files[name] = text
        assert checkout.found() == made == checkout.found(SEEN)
    for name, text in (("a.rs", "2"), ("a/mod.rs", "1")):
        others = checkout.files
        checkout.files = {**others, name: text}
        assert checkout.found() is checkout.found(SEEN) is None
        checkout.files = others


def test_what_several_runs_told_is_looked_up_the_latest_first(checkout: Checkout) -> None:
    first = checkout.make(SEEN)
    checkout.files["a.rs"] = "2"
    both = Learned(seen=("a.rs", "a/mod.rs", "b.rs"))
    second = checkout.make(both)
    assert checkout.found() == second
    checkout.files |= {"a.rs": "1", "b.rs": "3"}
    assert checkout.found() == first == checkout.found(both), "what the own last run told is one of several"


def test_a_result_for_others_tells_of_a_variable(checkout: Checkout) -> None:
    plain = checkout.make(Learned(asked=("A",)))
    assert checkout.found() == plain
    checkout.variables["A"] = "1"
    assert checkout.found() is None
    mine = checkout.make(Learned(asked=("A",)), given=("A",))
    assert checkout.found() == mine != plain
    checkout.variables["A"] = "2"
    assert checkout.found() is None


def test_results_that_tell_of_each_other_are_none(checkout: Checkout) -> None:
    """A script may ask for a variable only where it lacks it."""
    checkout.variables["A"] = "1"
    checkout.make(Learned(asked=("A",)))
    checkout.make(Learned(), given=("A",))
    assert checkout.found() is None


@pytest.mark.parametrize("told", [Learned(("unknown",)), Learned(asked=("refused",))])
def test_what_can_not_be_here_is_passed_over(told: Learned, checkout: Checkout) -> None:
    made = checkout.make(SEEN)
    question = checkout.job().question
    assert question is not None
    for text in ("[]", "{", records.Record("", {}, learned=told).to_bytes().decode()):
        checkout.cache.learn(question, text)
    checkout.cache.learn(question, '{"reads":["unknown"]}' if told.reads else '{"asked":["refused"]}')
    checkout.cache.flush()
    assert checkout.found() == made


def test_a_path_of_this_machine_is_told_to_nobody(checkout: Checkout) -> None:
    checkout.make(Learned(("/etc/hosts",)))
    question = checkout.job().question
    assert question is not None
    assert list(checkout.cache.learned(question)) == []
    checkout.make(Learned(("@{cargo-home}/x",)))
    assert len(list(checkout.cache.learned(question))) == 1
