"""A program that its loader would not take, and who is to blame: a second step tells, no action within an action."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import model_checkout as model
import pytest
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import digest, home, own_source
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.binary import functions, strip
from ostoo_build.execution.engine import Engine
from ostoo_build.execution.job import UpToDate
from ostoo_build.loader import check, code_facts
from ostoo_build.loader import contract as loader_contract
from ostoo_build.rules import loader_check, nodes
from ostoo_build.rules.places import Places
from ostoo_build.rules.progress import PendingProgram
from ostoo_build.target import spec as target_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from model_checkout import Invoked

    from ostoo_build.execution.job import Job
    from ostoo_build.loader.rule import ProgramFacts
    from ostoo_build.rules.nodes import Node


@pytest.fixture
def runs() -> list[str]:
    return []


@pytest.fixture
def of_program(tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    """The nodes of a program without a script, whose compiler is none."""
    monkeypatch.setattr(target_spec, "check", lambda _: None)
    monkeypatch.setattr(strip, "stripped", lambda data: data)
    monkeypatch.setattr(loader_contract, "load", lambda _: None)
    model.create(tmp_path / "checkout")
    checkout = model.checkout_at(tmp_path / "checkout")
    checkout.lock()
    made = model.invoked(checkout, "off")
    services = replace(made.services, runner=model.FakeTools(made.planner, runs))
    program = model.plan(checkout.root)["two"]
    made.planner.units.update({unit.id: unit for unit in program.units})
    pending = PendingProgram(program, None, is_checked=True)
    made.progress.pending[program.id] = pending
    yield list(nodes.of_program(made.planner, services, made.progress, pending))
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


def test_a_refused_program_is_named_by_the_link_with_symbols(
    of_program: list[Node], runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def verify(_path: Path, _contract: object, _facts: object, symbols: Callable[[], Any], _ahead: object) -> None:
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
    assert names == ["linked"]
    assert runs.count("link linked") == 1
    assert set(found) == {1}, "an action was performed within another one"


def test_nobody_looks_for_the_names_of_a_good_program(of_program: list[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "verify", lambda *_: model.Verdict("good"))
    monkeypatch.setattr(functions, "load", lambda path: pytest.fail(f"{path} is read"))
    for node in of_program:
        node.perform()


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[Invoked]:
    """An invocation that linked the program `two`."""
    model.create(tmp_path / "checkout")
    checkout = model.checkout_at(tmp_path / "checkout")
    checkout.lock()
    made = model.invoked(checkout, "off")
    folder = made.planner.root / Places.of(model.plan(checkout.root)["two"]).stripped
    record = Record("k" * 64, {"two-program": Output("1" * 64, 7, executable=True)})
    made.services.engine.settled[folder] = UpToDate(cast("Job", None), record)
    yield made
    checkout.close()


def check_of(made: Invoked, size_budget: int | None = None, **changed: Any) -> Job:
    program = replace(model.plan(made.planner.root)["two"], **changed)
    return loader_check.job(made.planner, made.services, program, size_budget, Snapshot())


def test_each_part_of_a_check_is_in_its_key(linked: Invoked, monkeypatch: pytest.MonkeyPatch) -> None:
    root = linked.planner.root
    keys = [check_of(linked).action.key]
    keys += [check_of(linked, 1).action.key, check_of(linked, 2).action.key]
    keys.append(check_of(linked, uses_std=True).action.key)
    keys.append(check_of(linked, name="other").action.key)
    model.write(root, "targets/model.loader.json", "another contract")
    keys.append(check_of(linked).action.key)
    for folder, settled in linked.services.engine.settled.items():
        other = replace(settled.record, outputs={"two-program": Output("2" * 64, 7, executable=True)})
        linked.services.engine.settled[folder] = settled._replace(record=other)
    keys.append(check_of(linked).action.key)
    monkeypatch.setattr(own_source, "digest_of", lambda *parts: digest.of_json(parts))
    keys.append(check_of(linked).action.key)
    monkeypatch.setattr(loader_check, "DECIDED_BY", ())
    keys.append(check_of(linked).action.key)
    assert len(set(keys)) == len(keys)


def test_a_check_leaves_its_report_and_tells_the_rules_of_the_program(
    linked: Invoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(loader_contract, "load", lambda path: path.name)
    asked: list[tuple[Any, ...]] = []

    def verify(path: Path, contract: str, facts: ProgramFacts, _symbols: object, _ahead: object) -> model.Verdict:
        asked.append((path.name, contract, facts.name, facts.uses_std, facts.size_budget))
        assert facts.private_folders == private
        return model.Verdict("good")

    paths = linked.planner.paths
    private = (paths.root, *map(paths.expand, ("@{cargo-home}", "@{toolchain}", "@{rust-src}")), "/home/somebody")
    monkeypatch.setattr(check, "verify", verify)
    job = check_of(linked, 5)
    assert job.run().outputs == ("report.json",)
    assert job.action.outputs == (f"{job.results}/report.json",)
    assert (job.folder / "report.json").read_text() == "good"
    assert asked == [("two-program", "model.loader.json", "two", False, 5)]


@pytest.fixture
def looked_at(linked: Invoked, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The linked programs `two` of which the code was looked at; their code is what was stripped of `symbols`."""
    monkeypatch.setattr(loader_contract, "load", lambda path: path.name)
    monkeypatch.setattr(strip, "stripped", lambda data: data.removesuffix(b"symbols"))
    folder = linked.planner.root / Places.of(model.plan(linked.planner.root)["two"]).linked
    folder.mkdir(parents=True)
    found: list[bytes] = []

    def look_ahead(data: bytes, _contract: object) -> code_facts.CodeFacts:
        found.append(data)
        return FACTS

    monkeypatch.setattr(check, "look_ahead", look_ahead)
    return found


FACTS = code_facts.CodeFacts(code_facts.Code("EM_X86_64", (), ()), {}, ())


def begin(made: Invoked, data: bytes) -> None:
    program = model.plan(made.planner.root)["two"]
    (made.planner.root / Places.of(program).linked / program.unit.id).write_bytes(data)
    loader_check.begin(made.planner, made.services, program)


def test_what_was_found_while_the_link_was_verified_is_used_once(
    linked: Invoked, looked_at: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []

    def verify(*words: object) -> model.Verdict:
        told.append(words[-1])
        return model.Verdict("good")

    monkeypatch.setattr(check, "verify", verify)
    begin(linked, b"code symbols")
    check_of(linked).run()
    check_of(linked).run()
    assert looked_at == [b"code symbols"]
    assert told == [FACTS, None]


def test_nothing_is_looked_at_where_the_shipped_program_will_be_the_checked_one(
    linked: Invoked, looked_at: list[bytes]
) -> None:
    root, places = linked.planner.root, Places.of(model.plan(linked.planner.root)["two"])
    stripped = Record("k" * 64, {"two-program": Output(digest.of_bytes(b"code "), 5, executable=True)})
    for folder in (places.stripped, places.check):
        begin(linked, b"code symbols")
        assert linked.services.ahead.take(places.check) is FACTS
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "two-program").write_bytes(b"code ")
        records.save(root / folder, stripped)
    begin(linked, b"code symbols")
    assert linked.services.ahead.take(places.check) is None
    begin(linked, b"other code")
    assert linked.services.ahead.take(places.check) is FACTS
    assert looked_at == [b"code symbols", b"code symbols", b"other code"]


def test_what_no_check_takes_is_not_kept(
    linked: Invoked, looked_at: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = model.plan(linked.planner.root)["two"]
    monkeypatch.setattr(Engine, "perform", lambda _engine, job: job)
    begin(linked, b"code")
    loader_check.perform(linked.planner, linked.services, program, None)
    assert linked.services.ahead.take(Places.of(program).check) is None
    assert len(looked_at) <= 1


def test_the_root_folder_is_nobodys_own(linked: Invoked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no home, or a container has its sources at the top: each path begins with that."""
    monkeypatch.setattr(home, "folder", lambda _: "/")
    monkeypatch.setattr(loader_contract, "load", lambda _: None)
    found: list[ProgramFacts] = []

    def verify(_path: Path, _contract: object, facts: ProgramFacts, _symbols: object, _ahead: object) -> model.Verdict:
        found.append(facts)
        return model.Verdict("good")

    monkeypatch.setattr(check, "verify", verify)
    check_of(linked).run()
    assert "/" not in found[0].private_folders
    assert linked.planner.paths.root in found[0].private_folders
