"""A program that its loader would not take, and who is to blame: a second step tells, no action within an action."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import model_checkout as model
import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions
from ostoo_build.execution.engine import Engine
from ostoo_build.loader import check
from ostoo_build.loader import contract as loader_contract
from ostoo_build.rules import nodes, whole_program
from ostoo_build.rules.progress import Wanted
from ostoo_build.target import spec as target_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ostoo_build.actions.record import Record
    from ostoo_build.execution.job import Job
    from ostoo_build.rules.nodes import Node


@pytest.fixture
def runs() -> list[str]:
    return []


@pytest.fixture
def of_program(tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    """The nodes of a program without a script, whose compiler is none."""
    monkeypatch.setattr(target_spec, "check", lambda _: None)
    monkeypatch.setattr(loader_contract, "load", lambda _: None)
    model.create(tmp_path / "checkout")
    checkout = model.checkout_at(tmp_path / "checkout")
    checkout.lock()
    made = model.invoked(checkout, "off")
    services = replace(made.services, runner=model.FakeTools(made.planner, runs))
    program = model.plan(checkout.root)["two"]
    made.planner.units.update({unit.id: unit for unit in program.units})
    action = whole_program.action(made.planner, services, program, None, services.look)
    wanted = Wanted(program, None, action, is_checked=True)
    made.progress.wanted[program.asked] = wanted
    yield list(nodes.of_program(made.planner, services, made.progress, wanted, is_watched=False))
    checkout.close()


def depths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many actions were performed by one thread at once, whenever one was begun."""
    found: list[int] = []
    here = threading.local()
    perform: Callable[[Engine, Job], Record] = Engine.perform

    def counted(engine: Engine, job: Job) -> Record:
        here.depth = getattr(here, "depth", 0) + 1
        found.append(here.depth)
        try:
            return perform(engine, job)
        finally:
            here.depth -= 1

    monkeypatch.setattr(Engine, "perform", counted)
    return found


def test_a_refused_program_is_linked_once_more_beside_the_check(
    of_program: list[Node], runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def verify(_path: Path, _contract: object, _facts: object, symbols: Callable[[], Any]) -> None:
        raise OstooError(f"refused: {symbols()}")

    def load(path: Path) -> str:
        names.append(path.parent.name)
        return "main"

    monkeypatch.setattr(check, "verify", verify)
    monkeypatch.setattr(functions, "load", load)
    found = depths(monkeypatch)
    refused = []
    for node in of_program:
        if node.description.startswith(("publish", "remember")):
            continue
        try:
            node.perform()
        except OstooError as error:
            refused.append((node.description, error.what))
    assert refused == [("check two", "refused: main")]
    assert names == ["unstripped"]
    assert runs.count("link unstripped") == 1, "the node of that link finds it done"
    assert set(found) == {1}, "an action was performed within another one"


def test_a_good_program_does_not_wait_for_the_link_that_has_names(
    of_program: list[Node], runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "verify", lambda *_: model.Verdict("good"))
    for node in of_program:
        node.perform()
        if node.description == "check two":
            break
    assert "link linked" in runs
    assert "link unstripped" not in runs
