"""How units are made that ask for variables of the user's environment; `test_model` holds whole builds to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import model_checkout as model
import pytest
from msgspec.structs import replace

from ostoo_build.planning import planned_unit
from ostoo_build.rules import unit as unit_rule

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.record import Record

BASE, META = "base-library", "rmeta/libbase.rmeta"


class Base:
    """The library `base` of a checkout, and invocations that make it alone."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cache = folder / "checkout", str(folder / "cache")
        model.create(self.root)
        self.runs: list[str] = []

    def write(self, text: str) -> None:
        model.write(self.root, "user-rs/base/src/lib.rs", text)

    def made(self) -> tuple[Record, Record]:
        """Make it, and return what dependents were told of it early, and its record."""
        checkout = model.checkout_at(self.root)
        checkout.lock()
        invoked = model.invoked(checkout, self.cache)
        planner, self.runs = invoked.planner, []
        services = replace(invoked.services, runner=model.FakeTools(planner, self.runs))
        try:
            planner.units.update({unit.id: unit for unit in model.plan(self.root)["two"].units})
            task = unit_rule.compilation(planner, services, planned_unit.compiled(planner.units[BASE]))
            task.wait_for_metadata()
            early = services.engine.result(self.root / planner.units[BASE].folder)
            return early, task.wait()
        finally:
            services.close()
            checkout.close()


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Base:
    for name in model.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return Base(tmp_path)


def test_dependents_are_told_of_the_metadata_that_counts(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compilation that lacks a variable, or was given one too many, is made again."""
    plain, _ = base.made()
    base.write("pub base ONE_WORD")
    monkeypatch.setenv("ONE_WORD", "set")
    early, made = base.made()
    assert (base.runs, made.learned.asked) == ([BASE, BASE], ("ONE_WORD",))
    assert early.outputs[META] == made.outputs[META] != plain.outputs[META]
    base.write("pub other")
    early, made = base.made()
    assert (base.runs, made.learned.asked) == ([BASE, BASE], ()), "it no longer asks for it"
    assert early.outputs[META] == made.outputs[META]
    monkeypatch.delenv("ONE_WORD")
    base.made()
    assert base.runs == [], "its key has nothing of it"


def test_only_what_is_set_makes_a_difference(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    base.write("pub base ONE_WORD TWO_WORDS")
    _, plain = base.made()
    assert (base.runs, plain.learned.asked) == ([BASE], ("ONE_WORD", "TWO_WORDS"))
    keys = {plain.key}
    for name, value in (("ONE_WORD", "a"), ("TWO_WORDS", "a"), ("ONE_WORD", "")):
        monkeypatch.setenv(name, value)
        _, made = base.made()
        assert base.runs == [BASE], "what it asks for is known"
        keys.add(made.key)
    assert len(keys) == 4
    for name in model.VARIABLES:
        monkeypatch.delenv(name)
    assert base.made()[1].key == plain.key
    assert base.runs == [], "it is in the cache"
