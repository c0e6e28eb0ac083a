from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions import record as records
from ostoo_build.actions.action import Action
from ostoo_build.actions.learned import Learned
from ostoo_build.actions.outcome import Outcome
from ostoo_build.actions.record import Output
from ostoo_build.base import digest, stamps
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.cache.action_cache import ActionCache
from ostoo_build.cache.disk_cache import DiskCache
from ostoo_build.execution.decided import Decisions
from ostoo_build.execution.decision import Present, Reason
from ostoo_build.execution.engine import Engine
from ostoo_build.execution.input_guard import InputGuard
from ostoo_build.execution.job import Job
from ostoo_build.execution.timeline import Timeline
from ostoo_build.execution.verbose import Verbose
from ostoo_build.rules import actions as rule_actions

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.actions.record import Record
    from ostoo_build.remote.executor import RemoteExecutor

ACTION = Action("Rustc", ("a.rs",), (), (), ("build/", "reader/"))
LIMIT = 1 << 30
LIBRARY = digest.of_bytes(b"library")
READER = replace(ACTION, arguments=("c.rs",), inputs=(Input("build/lib.rlib", LIBRARY, 7),))
OTHER = replace(ACTION, arguments=("b.rs",))


@dataclass
class Checkout:
    """An engine in a checkout of its own; `runs` are the actions that were not found anywhere."""

    root: Path
    cache: Path
    runs: list[Action] = field(default_factory=list)
    tools: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        return self.root / "build"

    def engine(self, *, fetch_all: bool = False) -> Engine:
        console = Console(colour=False, quiet=False)
        cache = ActionCache(DiskCache(self.cache, LIMIT), digest.of_bytes(str(self.root).encode()), console)
        paths = PathMap((("root", self.root), ("cargo-home", self.root.parent / "outside")))
        return Engine(
            paths=paths,
            cache=cache,
            console=console,
            decisions=Decisions(self.root.parent / "log", paths),
            input_guard=InputGuard(paths, time.time_ns(), self.tools),
            executor=None,
            fetch_all=fetch_all,
            timeline=Timeline(),
        )

    def job(self, action: Action, run: Callable[[Path], Outcome], *, needed: bool = True) -> Job:
        folder = self.root / "reader" if READER.inputs[0] in action.inputs else self.folder
        place = folder.relative_to(self.root).as_posix()
        return Job(action, folder, place, "Compiling", "core", lambda: self._run(action, run, folder), needed)

    def perform(self, action: Action = ACTION, run: Callable[[Path], Outcome] | None = None) -> Record:
        """Perform an action whose outputs are to be there."""
        engine = self.engine()
        try:
            return engine.perform(self.job(action, run or write))
        finally:
            engine.cache.flush()

    def _run(self, action: Action, run: Callable[[Path], Outcome], folder: Path) -> Outcome:
        self.runs.append(action)
        return run(folder)


def write(folder: Path) -> Outcome:
    (folder / "lib.rlib").write_bytes(b"library")
    return Outcome(("lib.rlib",), "warning: unused\n", "cargo::rustc-cfg=a\n")


def write_another(folder: Path) -> Outcome:
    (folder / "lib.rlib").write_bytes(b"another")
    return Outcome(("lib.rlib",))


def write_two(folder: Path) -> Outcome:
    (folder / "other.rlib").write_bytes(b"other")
    return replace(write(folder), outputs=("lib.rlib", "other.rlib"))


def bound(folder: Path) -> Outcome:
    return replace(write(folder), holds_root=True)


def fail(folder: Path) -> Outcome:
    (folder / "lib.rlib").write_bytes(b"half")
    raise OstooError("could not compile core")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "one", tmp_path / "cache")


@pytest.fixture
def clone(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "two", tmp_path / "cache")


def test_an_action_runs_once_and_says_so(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    made = checkout.perform()
    assert (made.key, made.stdout, made.stderr) == (ACTION.key, "cargo::rustc-cfg=a\n", "warning: unused\n")
    assert made.outputs == {"lib.rlib": records.observe(checkout.folder / "lib.rlib")}
    assert capsys.readouterr().err == "   Compiling core\nwarning: unused\n"
    assert checkout.perform() == made
    assert capsys.readouterr().err == "warning: unused\n", "as with cargo, as long as it holds"
    assert checkout.runs == [ACTION]


def test_another_checkout_takes_result_and_warnings_from_the_cache(
    checkout: Checkout, clone: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    made = checkout.perform()
    capsys.readouterr()
    assert clone.perform() == made
    assert capsys.readouterr().err == "warning: unused\n"
    assert (clone.folder / "lib.rlib").read_bytes() == b"library"
    assert not clone.runs
    assert clone.perform() == made
    assert capsys.readouterr().err == "warning: unused\n"


def test_what_depends_on_the_last_run_is_neither_stored_nor_taken_from_others(
    checkout: Checkout, clone: Checkout
) -> None:
    checkout.perform()
    for _ in range(2):
        engine = clone.engine()
        engine.perform(replace(clone.job(ACTION, write_another), shared=False))
        engine.cache.flush()
        assert clone.runs == [ACTION], "what is in place counts"
    assert (clone.folder / "lib.rlib").read_bytes() == b"another"
    third = Checkout(clone.root.with_name("three"), clone.cache)
    third.perform()
    assert (third.folder / "lib.rlib").read_bytes() == b"library"


def test_a_result_that_holds_the_checkouts_path_is_for_that_checkout_only(checkout: Checkout, clone: Checkout) -> None:
    assert checkout.perform(run=bound).bound_to
    clone.perform(run=bound)
    assert clone.runs == [ACTION]
    checkout.perform(run=bound)
    assert checkout.runs == [ACTION]


def test_a_moved_checkout_does_not_keep_what_holds_its_path(checkout: Checkout, tmp_path: Path) -> None:
    checkout.perform(run=bound)
    checkout.root.rename(tmp_path / "moved")
    moved = Checkout(tmp_path / "moved", tmp_path / "cache")
    moved.perform(run=bound)
    assert moved.runs == [ACTION]


def test_another_action_in_the_same_place_runs_and_the_first_comes_back(checkout: Checkout) -> None:
    first = checkout.perform()
    assert checkout.perform(OTHER) != first
    assert checkout.perform() == first
    assert checkout.runs == [ACTION, OTHER]


def test_an_edited_output_is_restored(checkout: Checkout) -> None:
    checkout.perform()
    (checkout.folder / "lib.rlib").write_bytes(b"edited")
    checkout.perform()
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"
    assert checkout.runs == [ACTION]


def test_a_deleted_output_is_restored(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    made = checkout.perform()
    (checkout.folder / "lib.rlib").unlink()
    capsys.readouterr()
    assert checkout.perform() == made
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"
    assert checkout.runs == [ACTION]
    assert "Compiling" not in capsys.readouterr().err


def test_what_a_failed_action_left_does_not_count(checkout: Checkout) -> None:
    with pytest.raises(OstooError, match="could not compile"):
        checkout.perform(run=fail)
    assert records.load(checkout.folder) is None
    assert not checkout.cache.exists()
    checkout.perform()
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"
    assert checkout.runs == [ACTION, ACTION]


def test_a_failed_action_does_not_pass_for_the_one_before(checkout: Checkout) -> None:
    first = checkout.perform()
    with pytest.raises(OstooError, match="could not compile"):
        checkout.perform(OTHER, run=fail)
    assert records.load(checkout.folder) is None
    assert checkout.perform() == first
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"


def test_what_only_the_action_before_made_is_gone(checkout: Checkout) -> None:
    checkout.perform(run=write_two)
    checkout.perform(OTHER)
    assert [path.name for path in checkout.folder.glob("*.rlib")] == ["lib.rlib"]


def give_up(_folder: Path) -> Outcome:
    raise OstooError("the network is down")


def test_the_files_of_the_action_before_outlive_a_failure(checkout: Checkout) -> None:
    checkout.perform()
    with pytest.raises(OstooError, match="the network is down"):
        checkout.perform(OTHER, run=give_up)
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"


def test_an_action_that_leaves_no_output_fails(checkout: Checkout) -> None:
    with pytest.raises(OstooError, match=r"compiling core did not create lib\.rlib") as caught:
        checkout.perform(run=lambda _: Outcome(("lib.rlib",)))
    assert caught.value.where == str(checkout.folder)
    assert records.load(checkout.folder) is None


def test_a_link_is_no_output(checkout: Checkout) -> None:
    def run(folder: Path) -> Outcome:
        (folder / "lib.rlib").symlink_to("/etc/hostname")
        return Outcome(("lib.rlib",))

    with pytest.raises(OstooError, match=r"did not create lib\.rlib"):
        checkout.perform(run=run)


SOURCES = tuple(Input(name, digest.of_bytes(b"one"), 3) for name in ("layout.ld", "more.ld"))
LINK = replace(ACTION, arguments=("-T",), inputs=SOURCES)


def copy_of(checkout: Checkout, *edits: tuple[str, ...]) -> Callable[[Path], Outcome]:
    """An action that copies a file; in each of its runs somebody edits files before, and puts them back after it."""
    for source in SOURCES:
        checkout.root.mkdir(exist_ok=True)
        (checkout.root / source.path).write_bytes(b"one")
    left = list(edits)

    def run(folder: Path) -> Outcome:
        names = left.pop(0) if left else ()
        for name in names:
            (checkout.root / name).write_bytes(b"two")
        (folder / "lib.rlib").write_bytes((checkout.root / "layout.ld").read_bytes())
        for name in names:
            (checkout.root / name).write_bytes(b"one")
        return Outcome(("lib.rlib",))

    return run


def test_what_was_made_of_an_input_that_was_edited_and_put_back_is_made_again(checkout: Checkout) -> None:
    checkout.perform(LINK, copy_of(checkout, ("layout.ld",)))
    assert (checkout.folder / "lib.rlib").read_bytes() == b"one"
    assert len(checkout.runs) == 2


def test_an_input_that_does_not_hold_still_fails_the_build(checkout: Checkout, clone: Checkout) -> None:
    with pytest.raises(OstooError, match=r"layout\.ld changed while it was being used"):
        checkout.perform(LINK, copy_of(checkout, ("more.ld",), ("layout.ld",)))
    clone.perform(LINK, copy_of(clone))
    assert len(clone.runs) == 1, "nothing was kept"


def test_of_what_changes_in_both_runs_what_is_new_is_named(checkout: Checkout) -> None:
    with pytest.raises(OstooError, match=r"more\.ld changed while it was being used"):
        checkout.perform(LINK, copy_of(checkout, ("layout.ld",), ("layout.ld", "more.ld")))


def test_an_action_may_write_its_own_input_each_time_if_that_is_what_it_was(checkout: Checkout) -> None:
    checkout.perform(LINK, copy_of(checkout, ("more.ld",), ("more.ld",)))
    assert len(checkout.runs) == 2
    checkout.perform(LINK, copy_of(checkout))
    assert len(checkout.runs) == 2


@pytest.mark.parametrize(
    ("vouched", "unproved", "runs"),
    [
        (".ld", None, 1),
        (".rs", None, 2),
        ("", frozenset(), 1),
        ("", frozenset({"layout.ld"}), 2),
        (".rs", frozenset({"more.ld"}), 1),
    ],
)
def test_what_a_tool_tells_of_what_it_read_needs_no_other_run(
    vouched: str, unproved: frozenset[str] | None, runs: int, checkout: Checkout
) -> None:
    run = copy_of(checkout, ("layout.ld",))
    job = checkout.job(LINK, lambda folder: replace(run(folder), unproved=unproved))
    engine = checkout.engine()
    engine.perform(replace(job, vouched=vouched))
    engine.cache.flush()
    assert len(checkout.runs) == runs


def test_what_others_read_already_is_not_made_again(checkout: Checkout) -> None:
    run, engine = copy_of(checkout, ("layout.ld",)), checkout.engine()

    def announce(folder: Path) -> Outcome:
        outcome = run(folder)
        engine.announce(job.action, folder, "lib.rlib")
        return outcome

    job = checkout.job(LINK, announce)
    with pytest.raises(OstooError, match=r"layout\.ld changed while it was being used"):
        engine.perform(job)


def read(folder: Path) -> Outcome:
    (folder / "copy").write_bytes((folder.parent / "build/lib.rlib").read_bytes())
    return Outcome(("copy",))


@pytest.fixture
def lazy(checkout: Checkout, clone: Checkout) -> Engine:
    """An engine in a clone that knows the library, but did not fetch it."""
    checkout.perform()
    engine = clone.engine()
    engine.perform(clone.job(ACTION, write, needed=False))
    assert not (clone.folder / "lib.rlib").exists()
    return engine


def test_an_output_that_the_cache_has_is_fetched_when_an_action_reads_it(lazy: Engine, clone: Checkout) -> None:
    lazy.perform(clone.job(READER, read))
    assert (clone.root / "reader/copy").read_bytes() == b"library"
    assert clone.runs == [READER]


def test_an_output_that_was_not_fetched_is_up_to_date(
    lazy: Engine, clone: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    made = lazy.perform(clone.job(ACTION, write, needed=False))
    assert capsys.readouterr().err == "", "its warnings were shown before"
    assert made.outputs["lib.rlib"].sha256 == LIBRARY
    assert not clone.runs


def test_a_fetched_output_is_not_hashed_again(lazy: Engine, clone: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy.perform(clone.job(ACTION, write))
    assert not clone.runs
    monkeypatch.setattr(digest, "of_file", lambda path: pytest.fail(f"{path} is hashed again"))
    lazy.perform(clone.job(ACTION, write, needed=False))


def test_what_lies_outside_of_the_checkout_is_not_fetched(lazy: Engine, clone: Checkout) -> None:
    outside = clone.root.parent / "outside/lib.rlib"
    outside.parent.mkdir()
    write(outside.parent)
    lazy.perform(clone.job(replace(OTHER, inputs=(Input(str(outside), LIBRARY, 7),)), write))
    lazy.perform(clone.job(replace(OTHER, inputs=(Input("@{cargo-home}/lib.rlib", LIBRARY, 7),)), write))
    assert sorted(path.name for path in clone.root.iterdir()) == ["build"]


def test_what_came_of_an_input_that_changed_is_not_kept(checkout: Checkout) -> None:
    source = checkout.root / "a.rs"
    source.parent.mkdir()
    source.write_text("one")
    action = replace(ACTION, inputs=(Input("a.rs", digest.of_bytes(b"one"), 3),))

    def edit(folder: Path) -> Outcome:
        source.write_text("two")
        return write(folder)

    with pytest.raises(OstooError, match=r"a\.rs changed while it was being used"):
        checkout.perform(action, edit)
    source.write_text("one")
    checkout.perform(action)
    assert checkout.runs == [action, action], "it was neither in the cache nor in the build folder"


def test_what_lay_there_from_another_action_is_not_taken_for_an_output(checkout: Checkout, clone: Checkout) -> None:
    checkout.perform()
    clone.folder.mkdir(parents=True)
    (clone.folder / "lib.rlib").write_bytes(b"another")
    engine = clone.engine()
    engine.perform(clone.job(ACTION, write, needed=False))
    engine.perform(clone.job(READER, read))
    assert (clone.root / "reader/copy").read_bytes() == b"library"


def test_outputs_are_fetched_for_who_asks(lazy: Engine, clone: Checkout) -> None:
    lazy.perform(clone.job(ACTION, write))
    assert (clone.folder / "lib.rlib").read_bytes() == b"library"


def test_a_fetched_output_that_was_deleted_is_fetched_again(lazy: Engine, clone: Checkout) -> None:
    lazy.perform(clone.job(ACTION, write))
    (clone.folder / "lib.rlib").unlink()
    lazy.perform(clone.job(ACTION, write, needed=False))
    lazy.perform(clone.job(READER, read))
    assert (clone.root / "reader/copy").read_bytes() == b"library"
    assert clone.runs == [READER]


def test_a_fetched_output_counts_as_what_it_is(lazy: Engine, clone: Checkout) -> None:
    lazy.perform(clone.job(ACTION, write))
    (clone.folder / "lib.rlib").write_bytes(b"edited")
    lazy.perform(clone.job(ACTION, write, needed=False))
    lazy.perform(clone.job(READER, read))
    assert (clone.root / "reader/copy").read_bytes() == b"library"
    assert clone.runs == [READER]


def test_all_outputs_are_fetched_where_that_is_wanted(checkout: Checkout, clone: Checkout) -> None:
    checkout.perform()
    clone.engine(fetch_all=True).perform(clone.job(ACTION, write, needed=False))
    assert (clone.folder / "lib.rlib").read_bytes() == b"library"
    assert not clone.runs


def lose(cache: Path) -> None:
    (cache / "cas" / LIBRARY[:2] / LIBRARY).unlink()


def test_an_output_that_the_cache_has_lost_is_made_again(lazy: Engine, clone: Checkout) -> None:
    lose(clone.cache)
    lazy.perform(clone.job(READER, read))
    assert (clone.root / "reader/copy").read_bytes() == b"library"
    assert clone.runs == [ACTION, READER]
    lazy.cache.flush()
    assert Checkout(clone.root, clone.cache).perform().outputs["lib.rlib"].sha256 == LIBRARY


def test_an_output_deep_in_a_folder_is_made_again_by_who_made_it(checkout: Checkout, clone: Checkout) -> None:
    perform(checkout, of_script(checkout, ACTION, script("deeper")))
    engine = clone.engine()
    engine.perform(replace(of_script(clone, ACTION, script("deeper")), needed=False))
    shutil.rmtree(clone.cache / "cas")
    deep = Input("build/out/a/b/c", digest.of_bytes(b"deep"), 4)
    folder = clone.root / "reader"
    engine.perform(Job(replace(OTHER, inputs=(deep,)), folder, "reader", "Compiling", "core", lambda: write(folder)))
    assert clone.runs == [ACTION]
    assert found(clone.folder) == SHAPES["deeper"]


@pytest.mark.parametrize("name", ["build/none.rlib", "none.rs"])
def test_a_missing_input_that_no_action_makes_is_its_readers_to_report(
    name: str, checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = checkout.engine()
    engine.perform(checkout.job(ACTION, write))
    reader = replace(READER, inputs=(*READER.inputs, Input(name, "0" * 64, 1)))
    with pytest.raises(OstooError, match="could not compile core"):
        engine.perform(checkout.job(reader, fail))
    assert checkout.runs == [ACTION, reader]
    assert capsys.readouterr().err.count("Compiling") == 2


@pytest.fixture
def promised(checkout: Checkout, clone: Checkout) -> Callable[[Callable[[Path], Outcome]], Engine]:
    """Makes an engine in a clone that knows the library, which the cache has lost, and how it is made."""

    def make(run: Callable[[Path], Outcome]) -> Engine:
        checkout.perform()
        engine = clone.engine()
        engine.perform(clone.job(ACTION, run, needed=False))
        lose(clone.cache)
        return engine

    return make


Promised = Callable[[Callable[["Path"], Outcome]], Engine]


def test_what_does_not_come_out_the_same_again_serves_this_build_only(promised: Promised, clone: Checkout) -> None:
    engine = promised(write_another)
    readers = [READER, replace(READER, arguments=("d.rs",))]
    for reader in readers:
        engine.perform(clone.job(reader, read))
        assert (clone.root / "reader/copy").read_bytes() == b"another"
    engine.cache.flush()
    for reader in readers:
        assert engine.cache.lookup(reader, clone.job(reader, read).place) is None
    assert clone.engine().present(clone.job(readers[1], read)) is None, "the key names another input"
    clone.runs.clear()
    current = replace(readers[1], inputs=(Input("build/lib.rlib", digest.of_bytes(b"another"), 7),))
    assert clone.engine().perform(clone.job(current, read)).key == current.key
    assert clone.runs == [current]


def test_outputs_that_the_cache_has_lost_are_made_again_at_once(checkout: Checkout, clone: Checkout) -> None:
    checkout.perform(run=write_two)
    shutil.rmtree(clone.cache / "cas")
    engine = clone.engine()
    engine.perform(clone.job(ACTION, write_two, needed=False))
    both = (*READER.inputs, Input("build/other.rlib", digest.of_bytes(b"other"), 5))
    engine.perform(clone.job(replace(READER, inputs=both), write))
    assert sorted(path.name for path in clone.folder.glob("*.rlib")) == ["lib.rlib", "other.rlib"]
    assert clone.runs[0] == ACTION
    assert len(clone.runs) == 2


def test_an_output_that_cannot_be_made_again_fails_its_reader(promised: Promised, clone: Checkout) -> None:
    engine = promised(fail)
    with pytest.raises(OstooError, match="could not compile core"):
        engine.perform(clone.job(READER, read))
    assert clone.runs == [ACTION]
    assert records.load(clone.root / "reader") is None
    assert engine.cache.lookup(ACTION, clone.job(ACTION, write).place) is None, "it promises what nobody has"


def test_what_others_read_stays_while_lost_outputs_are_made_again(checkout: Checkout, clone: Checkout) -> None:
    """Eight readers, most of them of what was not lost: none may find its input gone."""
    checkout.perform(run=write_two)
    engine = clone.engine()
    engine.perform(clone.job(ACTION, write_two, needed=False))
    lose(clone.cache)
    other = Input("build/other.rlib", digest.of_bytes(b"other"), 5)
    began, missing = threading.Barrier(8), []

    def look(folder: Path) -> Outcome:
        for _ in range(100):
            missing.extend([] if (folder.parent / "build/other.rlib").exists() else ["gone"])
            time.sleep(0.0005)
        (folder / "copy").write_bytes(b"")
        return Outcome(("copy",))

    def clear(folder: Path) -> Outcome:
        for path in folder.iterdir():
            path.unlink()
        time.sleep(0.02)
        return write_two(folder)

    def perform(number: int) -> None:
        entry = READER.inputs[0] if number == 0 else other
        action = replace(READER, arguments=(str(number),), inputs=(entry,))
        folder = clone.root / f"reader{number}"
        began.wait()
        engine.perform(Job(action, folder, folder.name, "Compiling", "core", lambda: look(folder)))

    engine.settled[clone.folder] = engine.settled[clone.folder]._replace(
        job=replace(engine.settled[clone.folder].job, run=lambda: clear(clone.folder))
    )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(perform, range(8)))
    assert missing == []


def test_a_result_whose_output_the_cache_has_lost_is_none_where_it_is_needed(
    checkout: Checkout, clone: Checkout
) -> None:
    checkout.perform()
    lose(clone.cache)
    clone.perform()
    assert clone.runs == [ACTION]
    assert (clone.folder / "lib.rlib").read_bytes() == b"library"


def test_a_result_that_lost_an_output_promises_it_no_more(checkout: Checkout, clone: Checkout) -> None:
    checkout.perform()
    lose(clone.cache)
    with pytest.raises(OstooError, match="could not compile"):
        clone.perform(run=fail)
    assert clone.engine().cache.lookup(ACTION, clone.job(ACTION, write).place) is None


@pytest.mark.parametrize("what", [{"needed": True}, {"fetch_all": True}])
def test_what_was_not_fetched_is_when_somebody_wants_it(what: dict[str, bool], lazy: Engine, clone: Checkout) -> None:
    assert lazy
    engine = clone.engine(fetch_all=what.get("fetch_all", False))
    engine.perform(clone.job(ACTION, write, needed=what.get("needed", False)))
    assert (clone.folder / "lib.rlib").read_bytes() == b"library"
    assert not clone.runs


def test_an_output_that_nobody_has_any_more_is_made_again_where_it_is_wanted(lazy: Engine, clone: Checkout) -> None:
    """Its record is up to date, and promises what the cache has lost."""
    lose(clone.cache)
    lazy.perform(clone.job(ACTION, write))
    assert (clone.folder / "lib.rlib").read_bytes() == b"library"
    assert clone.runs == [ACTION]
    reasons = "run here: the cache has lost the result; not in the cache"
    assert [step.reasons for step in lazy.timeline.steps][-1] == reasons


def test_a_result_is_known_while_it_is_up_to_date(checkout: Checkout) -> None:
    engine = checkout.engine()
    with pytest.raises(OstooError, match="outputs of an earlier step are missing") as caught:
        engine.result(checkout.folder)
    assert (caught.value.where, caught.value.remedy) == ("build", "run the build again")
    made = engine.perform(checkout.job(ACTION, write))
    assert engine.result(checkout.folder) is made
    with pytest.raises(OstooError, match="could not compile"):
        engine.perform(checkout.job(OTHER, fail))
    with pytest.raises(OstooError, match="outputs of an earlier step are missing"):
        engine.result(checkout.folder)


def test_an_early_output_is_a_result_until_all_are_there(checkout: Checkout) -> None:
    engine = checkout.engine()
    early: list[Record] = []

    def announce(folder: Path) -> Outcome:
        outcome = write_two(folder)
        engine.announce(ACTION, folder, "lib.rlib")
        early.append(engine.result(folder))
        return outcome

    made = engine.perform(checkout.job(ACTION, announce))
    assert early == [records.Record(ACTION.key, {"lib.rlib": Output(LIBRARY, 7, executable=False)})]
    assert engine.result(checkout.folder) is made
    assert len(made.outputs) == 2


def test_a_step_waits_for_its_inputs(checkout: Checkout) -> None:
    engine, run = checkout.engine(), copy_of(checkout)
    engine.perform(checkout.job(LINK, run))
    (step,) = engine.timeline.steps
    assert list(step.inputs) == ["layout.ld", "more.ld"]


def test_a_file_that_turns_out_to_be_read_and_changed_meanwhile_fails_the_build(checkout: Checkout) -> None:
    """Nobody hashed it before the run: what was read of it is not known."""
    told = checkout.root / "told"

    def job(learned: Learned) -> Job:
        inputs = tuple(Input(name, digest.of_bytes(b"told"), 4) for name in learned.reads)
        return replace(of_told, action=replace(ACTION, inputs=inputs), learned=learned, learning=job)

    def run(folder: Path) -> Outcome:
        if is_edited:
            told.write_bytes(b"told")
        return replace(write(folder), learned=Learned(("told",)))

    of_told = checkout.job(ACTION, run)
    checkout.root.mkdir()
    told.write_bytes(b"told")
    os.utime(told)
    time.sleep(2 * stamps.TICK / 1e9)  # else it is as good as changed in the run
    is_edited = False
    engine = checkout.engine()
    assert engine.perform(job(Learned())).learned.reads == ("told",)
    engine.cache.flush()
    is_edited = True
    records.discard(checkout.folder)
    shutil.rmtree(checkout.cache, ignore_errors=True)
    with pytest.raises(OstooError, match="told changed while it was being used"):
        checkout.engine().perform(job(Learned()))


def test_a_failure_with_a_toolchain_that_is_gone_is_told_as_that(checkout: Checkout, tmp_path: Path) -> None:
    checkout.tools = (tmp_path / "rustc",)
    checkout.tools[0].touch()

    def lose_tools(folder: Path) -> Outcome:
        checkout.tools[0].unlink()
        return fail(folder)

    with pytest.raises(OstooError, match="the toolchain changed, or was removed, during the build"):
        checkout.perform(run=lose_tools)


def test_a_result_that_holds_a_workers_path_is_none(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", Elsewhere()))
    job = checkout.job(ACTION, write)
    engine.perform(replace(job, judge=lambda _done: Outcome(("lib.rlib",), holds_root=True)))
    assert checkout.runs == [ACTION]
    assert capsys.readouterr().err.splitlines()[:2] == ["   Compiling core (remotely)", "   Compiling core"]


def test_what_ran_elsewhere_is_kept_for_others(checkout: Checkout, clone: Checkout) -> None:
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", Elsewhere()))
    engine.perform(replace(checkout.job(ACTION, write, needed=False), judge=lambda _done: Outcome(("lib.rlib",))))
    engine.cache.flush()
    assert not checkout.runs
    assert decided(clone.engine(), clone.job(ACTION, write)) == ("Cached", (Reason.NOTHING,))


@dataclass
class Elsewhere:
    """The part of a remote executor that is asked here: all that it is given works there."""

    is_off: bool = False

    def execute(self, _action: Action, _results: str) -> SimpleNamespace:
        return SimpleNamespace(done=None, outputs={"lib.rlib": Output(LIBRARY, 7, executable=False)})


@pytest.mark.parametrize(("reads", "runs"), [((), []), (("user-rs/a/.told",), [ACTION])])
def test_what_ran_where_its_undeclared_reads_were_not_is_run_here(
    reads: tuple[str, ...], runs: list[Action], checkout: Checkout
) -> None:
    outcome = Outcome(("lib.rlib",), learned=Learned(reads))
    job = replace(checkout.job(ACTION, write, needed=False), judge=lambda _done: outcome)
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", Elsewhere()))
    engine.perform(job)
    engine.cache.flush()
    assert checkout.runs == runs


def test_an_input_that_only_the_cache_holds_is_there_when_an_executor_asks_for_it(
    checkout: Checkout, clone: Checkout
) -> None:
    """A service that lacks it takes it from this checkout, where nobody had needed it before."""
    checkout.perform()
    asked: list[bool] = []

    def execute(action: Action, _results: str) -> SimpleNamespace | None:
        asked.append((clone.root / action.inputs[0].path).exists())
        made = {"copy": Output(LIBRARY, 7, executable=False)}
        return SimpleNamespace(done=None, outputs=made) if asked[-1] else None

    executor = SimpleNamespace(is_off=False, execute=execute)
    engine = replace(clone.engine(), executor=cast("RemoteExecutor", executor))
    engine.perform(clone.job(ACTION, write, needed=False))
    assert not (clone.folder / "lib.rlib").exists()
    engine.perform(replace(clone.job(READER, read, needed=False), judge=lambda _done: Outcome(("copy",))))
    assert asked == [False, True]
    assert clone.runs == []


def put_folder(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "file").touch()


def put_link(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize("put", [put_folder, put_link])
def test_whatever_lies_under_an_outputs_name_gives_way(
    put: Callable[[Path], None], checkout: Checkout, clone: Checkout
) -> None:
    checkout.perform()
    put(clone.folder / "lib.rlib")
    engine = clone.engine()
    engine.perform(clone.job(ACTION, write, needed=False))
    assert not os.path.lexists(clone.folder / "lib.rlib")
    engine.perform(clone.job(READER, read))
    assert (clone.root / "reader/copy").read_bytes() == b"library"


SHAPES: dict[str, dict[str, bytes]] = {
    "a file": {"out/a": b"a file"},
    "a folder and a file": {"out/a/b": b"in a folder", "out/d": b"a file"},
    "a folder": {"out/a/b": b"in a folder", "out/a/c": b"beside"},
    "deeper": {"out/a/b/c": b"deep"},
    "another name": {"out/b": b"another"},
    "nothing": {},
}


def script(shape: str) -> Callable[[Path], Outcome]:
    """What clears its folder and writes files, as a build script has it done."""

    def run(folder: Path) -> Outcome:
        records.keep_only(folder, records.Record("", {}))
        (folder / "out").mkdir()
        for name, content in SHAPES[shape].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return Outcome(tuple(SHAPES[shape]))

    return run


def found(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "out").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("former", SHAPES)
@pytest.mark.parametrize("later", SHAPES)
@pytest.mark.parametrize("is_cached", [False, True])
def test_outputs_take_the_place_of_others_of_any_shape(
    former: str,
    later: str,
    is_cached: bool,  # noqa: FBT001 - a table's column
    checkout: Checkout,
    clone: Checkout,
) -> None:
    """What was a file may be a folder now, and the other way round; the next build finds what this one made."""
    actions = {shape: replace(ACTION, arguments=(shape,)) for shape in SHAPES}
    if is_cached:
        checkout.perform(actions[later], script(later))
    clone.perform(actions[former], script(former))
    for _ in range(2):
        clone.perform(actions[later], script(later))
        assert found(clone.folder) == SHAPES[later]


def of_script(checkout: Checkout, action: Action, run: Callable[[Path], Outcome]) -> Job:
    return replace(checkout.job(action, run), tree="out")


def perform(checkout: Checkout, job: Job) -> Record:
    engine = checkout.engine()
    try:
        return engine.perform(job)
    finally:
        engine.cache.flush()


@pytest.mark.parametrize("left", ["out/junk", "out/more/junk", "out/a", "out/a/b/junk", "junk"])
def test_what_a_killed_run_left_is_not_beside_what_the_cache_has(
    left: str, checkout: Checkout, clone: Checkout
) -> None:
    perform(checkout, of_script(checkout, ACTION, script("a folder")))
    (clone.folder / left).parent.mkdir(parents=True)
    (clone.folder / left).write_bytes(b"junk")
    perform(clone, of_script(clone, ACTION, script("a folder")))
    assert not clone.runs
    assert found(clone.folder) == SHAPES["a folder"]
    assert not (clone.folder / "junk").exists()


def add_file(folder: Path) -> None:
    (folder / "out/a/new").write_bytes(b"new")


def add_folder(folder: Path) -> None:
    (folder / "out/new").mkdir()


def add_link(folder: Path) -> None:
    (folder / "out/new").symlink_to("a")


def take_all(folder: Path) -> None:
    shutil.rmtree(folder / "out")


@pytest.mark.parametrize("change", [add_file, add_folder, add_link, take_all])
def test_a_scripts_folder_is_as_the_script_left_it(change: Callable[[Path], None], checkout: Checkout) -> None:
    """Whoever lists it sees what lies there."""
    job = of_script(checkout, ACTION, script("a folder"))
    perform(checkout, job)
    change(checkout.folder)
    perform(checkout, job)
    assert found(checkout.folder) == SHAPES["a folder"]
    assert sorted(path.name for path in (checkout.folder / "out").iterdir()) == ["a"]
    assert checkout.runs == [ACTION]


def leave_empty(folder: Path) -> Outcome:
    records.keep_only(folder, records.Record("", {}))
    (folder / "out/a/empty").mkdir(parents=True)
    return Outcome((), folders=("out/a/empty",))


def test_a_folder_in_which_nothing_lies_is_kept_too(checkout: Checkout, clone: Checkout) -> None:
    made = perform(checkout, of_script(checkout, ACTION, leave_empty))
    job = of_script(clone, ACTION, leave_empty)
    assert perform(clone, job) == made
    assert not clone.runs
    assert (clone.folder / "out/a/empty").is_dir()
    (clone.folder / "out/a/empty").rmdir()
    assert perform(clone, job) == made
    assert (clone.folder / "out/a/empty").is_dir()


def test_a_script_that_makes_nothing_leaves_its_folder_from_the_cache_too(checkout: Checkout, clone: Checkout) -> None:
    for place in (checkout, clone):
        perform(place, of_script(place, ACTION, script("nothing")))
        assert (place.folder / "out").is_dir()
    assert not clone.runs


@pytest.mark.parametrize("is_cached", [False, True])
def test_an_empty_folder_takes_the_place_of_a_file(
    is_cached: bool,  # noqa: FBT001 - a table's column
    checkout: Checkout,
    clone: Checkout,
) -> None:
    if is_cached:
        perform(checkout, of_script(checkout, ACTION, leave_empty))
    perform(clone, of_script(clone, OTHER, script("a file")))
    perform(clone, of_script(clone, ACTION, leave_empty))
    assert (clone.folder / "out/a/empty").is_dir()


def test_what_changes_an_output_right_after_it_was_hashed_is_seen(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process does that a build script leaves behind."""
    observe = InputGuard.observe

    def observed(self: InputGuard, path: Path) -> Output:
        output = observe(self, path)
        path.write_bytes(b"LIBRARY")
        return output

    with monkeypatch.context() as patch:
        patch.setattr(InputGuard, "observe", observed)
        perform(checkout, checkout.job(ACTION, write, needed=False))
    perform(checkout, checkout.job(ACTION, write, needed=False))
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"


@pytest.mark.parametrize("outputs", [{}, {"other.rlib": Output(LIBRARY, 7, executable=False)}])
def test_an_executor_that_lacks_what_the_action_makes_is_not_believed(
    outputs: dict[str, Output], checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = SimpleNamespace(done=None, outputs=outputs)
    executor = SimpleNamespace(is_off=False, execute=lambda *_: answer)
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", executor))
    engine.perform(replace(checkout.job(ACTION, write), judge=lambda _done: Outcome(("lib.rlib",))))
    assert checkout.runs == [ACTION]
    assert "the remote executor returned no usable result" in capsys.readouterr().err


def test_an_executor_that_lacks_what_each_result_has_is_not_believed(checkout: Checkout) -> None:
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", Elsewhere()))
    job = replace(checkout.job(ACTION, write_two), judge=lambda _done: Outcome(("lib.rlib",)))
    engine.perform(replace(job, promised=("other.rlib",)))
    assert checkout.runs == [ACTION]


@pytest.mark.parametrize("error", [FileNotFoundError("dep-info.d"), ValueError("no digest")])
def test_an_executors_answer_that_can_not_be_judged_is_none(error: Exception, checkout: Checkout) -> None:
    def judge(_done: object) -> Outcome:
        raise error

    answer = SimpleNamespace(done=None, outputs={"lib.rlib": Output(LIBRARY, 7, executable=False)})
    executor = SimpleNamespace(is_off=False, execute=lambda *_: answer)
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", executor))
    engine.perform(replace(checkout.job(ACTION, write), judge=judge))
    assert checkout.runs == [ACTION]


@pytest.mark.parametrize("kind", ["a file", "a link", "a link to nowhere", "a pipe"])
def test_whatever_lies_in_a_folders_place_gives_way_and_what_a_link_leads_to_stays(
    kind: str, checkout: Checkout, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs/data"
    theirs.parent.mkdir()
    theirs.write_text("data")
    checkout.root.mkdir()
    ways: dict[str, Callable[[Path], object]] = {
        "a file": lambda path: path.write_text("text"),
        "a link": lambda path: path.symlink_to(theirs.parent),
        "a link to nowhere": lambda path: path.symlink_to("nowhere"),
        "a pipe": os.mkfifo,
    }
    ways[kind](checkout.folder)
    checkout.perform(run=write_two)
    assert (checkout.folder / "lib.rlib").read_bytes() == b"library"
    assert [path.read_text() for path in theirs.parent.iterdir()] == ["data"]


def test_what_a_run_can_have_read_is_known_to_who_takes_its_result(checkout: Checkout, clone: Checkout) -> None:
    """Else an edit of what made no difference has it made once more in each checkout."""

    def sees(folder: Path) -> Outcome:
        return replace(write(folder), learned=Learned(seen=("p/read",)))

    def job(of: Checkout, other: str) -> Job:
        own = []
        for name, text in (("p/read", "read"), ("p/other", other)):
            (of.root / name).parent.mkdir(parents=True, exist_ok=True)
            (of.root / name).write_text(text)
            own.append(Input(name, digest.of_bytes(text.encode()), len(text)))
        action = replace(ACTION, inputs=tuple(own))
        described = replace(of.job(action, sees), seeing=partial(rule_actions.seeing, action, tuple(own)))
        return replace(described, learning=partial(_learning, described))

    for of in (checkout, clone):
        engine = of.engine()
        found = engine.perform(job(of, "one"))
        engine.cache.flush()
        assert found.learned.seen == ("p/read",)
        assert of.engine().present(job(of, "two")) == found
    assert len(checkout.runs) == 1
    assert clone.runs == []


def _learning(described: Job, learned: Learned) -> Job:
    return replace(described, learned=learned, learning=partial(_learning, described))


def decided(engine: Engine, job: Job) -> tuple[str, tuple[Reason, ...]]:
    """What is decided, and why; it must have done nothing."""
    folder = job.folder
    before = sorted((path, path.lstat().st_mtime_ns) for path in folder.rglob("*"))
    found = engine.decide(job)
    assert sorted((path, path.lstat().st_mtime_ns) for path in folder.rglob("*")) == before
    return type(found).__name__, () if isinstance(found, Present) else found.reasons


def test_a_decision_names_the_way_and_why_it_is_no_cheaper_one(checkout: Checkout, clone: Checkout) -> None:
    engine, job = checkout.engine(), checkout.job(ACTION, write)
    assert decided(engine, job) == ("Local", (Reason.NOTHING, Reason.UNCACHED))
    assert decided(engine, replace(job, shared=False)) == ("Local", (Reason.NOTHING, Reason.UNSHARED))
    checkout.perform()
    assert decided(engine, job) == ("Present", ())
    assert decided(engine, checkout.job(OTHER, write)) == ("Local", (Reason.OTHER_ACTION, Reason.UNCACHED))
    assert decided(clone.engine(), clone.job(ACTION, write)) == ("Cached", (Reason.NOTHING,))
    (checkout.folder / "lib.rlib").write_bytes(b"altered")
    assert decided(engine, job) == ("Cached", (Reason.ALTERED,))


def test_a_decision_knows_whose_folder_it_is(checkout: Checkout, clone: Checkout) -> None:
    checkout.perform(run=bound)
    shutil.copytree(checkout.folder, clone.folder)
    assert decided(clone.engine(), clone.job(ACTION, write)) == ("Local", (Reason.OTHER_CHECKOUT, Reason.UNCACHED))
    (checkout.folder / "out").mkdir()
    job = replace(checkout.job(ACTION, bound), tree="out")
    assert decided(checkout.engine(), job) == ("Present", ())
    (checkout.folder / "out/more").touch()
    assert decided(checkout.engine(), job) == ("Cached", (Reason.ADDED,))


def test_a_decision_for_an_executor(checkout: Checkout) -> None:
    job = checkout.job(ACTION, write)
    judged = replace(job, judge=lambda _done: Outcome(("lib.rlib",)))
    engine = replace(checkout.engine(), executor=cast("RemoteExecutor", Elsewhere()))
    first = (Reason.NOTHING, Reason.UNCACHED)
    assert decided(engine, judged) == ("Remote", first)
    assert decided(engine, job) == ("Local", (*first, Reason.HERE_ONLY))
    off = replace(engine, executor=cast("RemoteExecutor", Elsewhere(is_off=True)))
    assert decided(off, judged) == ("Local", (*first, Reason.GIVEN_UP))


def test_what_can_not_be_carried_out_is_decided_anew(checkout: Checkout, clone: Checkout) -> None:
    """The log has the last word, the page too."""
    checkout.perform()
    shutil.rmtree(clone.cache / "cas")
    engine = clone.engine()
    engine.perform(clone.job(ACTION, write))
    assert clone.runs == [ACTION]
    (entry,) = action_log.read(engine.decisions.log).values()
    (step,) = engine.timeline.steps
    assert entry.decided == step.reasons == "run here: it has no outputs yet; the cache has lost the result"
    assert step.way == "local"


def test_who_asks_is_told_what_changed(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    def explained(action: Action, run: Callable[[Path], Outcome] = write) -> str:
        """What an invocation says of an action."""
        capsys.readouterr()
        engine = checkout.engine()
        engine.timeline.stream.listen(Verbose(engine.console, shows_commands=False, shows_reasons=True))
        engine.perform(checkout.job(action, run))
        engine.cache.flush()
        lines = capsys.readouterr().err.splitlines()
        return next((line for line in lines if line.startswith("   Explained")), "")

    checkout.perform()
    said = "   Explained core is run here: the action differs from the one that made the outputs; not in the cache"
    assert explained(OTHER) == f"{said} (another argument 0); key {OTHER.key[:12]}"
    assert explained(OTHER) == ""
    records.discard(checkout.folder)
    third = replace(OTHER, arguments=("third.rs",))
    assert explained(third) == (
        "   Explained core is run here: it has no outputs yet; not in the cache (another argument 0)"
        f"; key {third.key[:12]}"
    )
    shutil.rmtree(checkout.engine().decisions.log)
    assert explained(ACTION, write_another).endswith(
        f"the action differs from the one that made the outputs; key {ACTION.key[:12]}"
    )
