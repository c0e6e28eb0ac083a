from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import fake_toolchains as fake
import planned_trees as trees
import planners
import pytest
from msgspec import structs

from ostoo_build.actions.record import Output
from ostoo_build.base import stamps, state_file
from ostoo_build.base.console import Console
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.timeline import Timeline
from ostoo_build.invocation import services
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.planning.plan import Program
from ostoo_build.rebuild import dependencies, standby, watched
from ostoo_build.rebuild.standby import PreparedBuild, Standby, Undecided
from ostoo_build.rules.progress import PendingProgram
from ostoo_build.rules.whole_program import CurrentProgram
from ostoo_build.server.handover import STALE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from ostoo_build.server.handover import Handover

REMOTE = dict.fromkeys(("remote_cache", "remote_executor"), "")
MAIN = "user-rs/a/src/main.rs"
AFTERWARDS = {"toolchain": "toolchain/std/lib.rs", "crates": "crates/fnv/lib.rs"}
"""A file of each field that is looked at after the build."""

PLACES = [name for name in dependencies.Dependencies.__struct_fields__ if name not in ("checkout", "code", *AFTERWARDS)]


OTHER = b"1"
"""Another process' id."""


@dataclass(frozen=True)
class Waiting:
    """A build that waits in a checkout; `is_let_go` is set when it has given the lock back."""

    read: PreparedBuild
    is_let_go: threading.Event

    @property
    def root(self) -> Path:
        return self.read.checkout.root


class Ended(Exception):  # noqa: N818 - it stands for the end of the process
    """The process would have ended."""


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    for name in (
        MAIN,
        "user-rs/a/src/text.txt",
        "user-rs/a/Cargo.toml",
        "user-rs/b/src/main.rs",
        "SConstruct",
        "build/b",
    ):
        fake.write(tmp_path / "os" / name, name)
    for name in AFTERWARDS.values():
        fake.write(tmp_path / name, "std")
    for name in ("code", *PLACES):
        fake.write(tmp_path / "places" / name, name)
    known = dependencies.Dependencies(
        checkout=((str(tmp_path / "os"), ["build"]),),
        code=((str(tmp_path / "places"), PLACES),),
        toolchain=((str(tmp_path / "toolchain"), []),),
        crates=((str(tmp_path / "crates"), []),),
        **{name: (str(tmp_path / "places" / name), str(tmp_path / "absent")) for name in PLACES},
    )
    is_let_go = threading.Event()
    monkeypatch.setattr(dependencies, "is_known", lambda *_: True)
    monkeypatch.setattr(dependencies, "of", lambda _: known)
    monkeypatch.setattr(watched, "note", lambda *_: is_let_go.set())
    time.sleep(2 * stamps.TICK / 1e9)  # else the files are as good as changed while they were read
    started = time.time_ns()

    def end(code: int) -> None:
        assert code == STALE
        raise Ended

    monkeypatch.setattr("os._exit", end)
    checkout = Checkout(tmp_path / "os", Console(colour=False, quiet=True))
    checkout.lock()
    planner = planners.without_compiler(checkout.root)
    unit = trees.planned(tmp_path / "planned", "hello-rs").units[-1]
    planner.units["a"] = structs.replace(unit, package="user-rs/a")
    options = Options(
        {"cache": "off", "cache_size": "1 GiB", "sandbox": "off", "sysroot": "zig", "DEPLOY_DIR": "user", **REMOTE}
    )
    made = services.start(checkout, options, planner, Jobserver(1), Timeline())
    monkeypatch.setattr(dependencies, "observed", lambda *_: dependencies.Observed((str(tmp_path / "seen"),), (), ()))
    yield Waiting(PreparedBuild(started, checkout, options, planner, made, []), is_let_go)
    checkout.close()


@dataclass(frozen=True)
class Line:
    """Stands for a `Handover`, whose streams would be this process'."""

    line: socket.socket
    waits: bool
    is_watched: bool = True

    def is_asked(self) -> bool:
        return False

    def tell_read(self) -> None:
        self.line.send(b"r")

    def wait(self) -> bool:
        return bool(self.line.recv(1))


def standby_of(line: socket.socket, *, waits: bool) -> Standby:
    return Standby(cast("Handover", Line(line, waits)))


def waits(waiting: Waiting, change: Callable[[Path], object]) -> Standby:
    """A build that waited while something changed. Raises `Ended` where it has to be read anew."""
    ours, theirs = socket.socketpair()
    waited = standby_of(theirs, waits=True)

    def go() -> None:
        assert ours.recv(1) == b"r"
        assert waiting.is_let_go.wait(60)
        change(waiting.root)
        ours.send(b"g")

    thread = threading.Thread(target=go)
    thread.start()
    try:
        waited.reached(waiting.read)
    finally:
        thread.join()
    return waited


def _edit_place(name: str, root: Path) -> None:
    fake.write(root.parent / "places" / name, "edited")


EDITS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda root: root,
    "a source": lambda root: (root / MAIN).write_text("edited"),
    "what a source includes": lambda root: (root / "user-rs/a/src/text.txt").write_text("edited"),
    "an output": lambda root: fake.write(root / "build/a", "edited"),
}
OTHERS: dict[str, Callable[[Path], object]] = {
    "a manifest": lambda root: (root / "user-rs/a/Cargo.toml").write_text("edited"),
    "another package": lambda root: (root / "user-rs/b/src/main.rs").write_text("edited"),
    "a script": lambda root: (root / "SConstruct").write_text("edited"),
    "a new file": lambda root: fake.write(root / "user-rs/a/src/new.rs", ""),
    "a lost file": lambda root: (root / MAIN).unlink(),
    "a moved folder": lambda root: shutil.move(root / "user-rs/a/src", root / "user-rs/a/source"),
    "a file that was not there": lambda root: fake.write(root.parent / "absent", ""),
    **{f"what stands in {name}": partial(_edit_place, name) for name in ("code", *PLACES)},
}


@pytest.mark.parametrize("change", EDITS)
def test_a_build_that_waits_goes_on_after_an_edit(change: str, waiting: Waiting) -> None:
    assert waits(waiting, EDITS[change]).holds()
    assert state_file.recall(waiting.read.checkout.lock_owner) == str(os.getpid()).encode()


@pytest.mark.parametrize("change", OTHERS)
def test_a_build_is_read_anew_after_anything_else(change: str, waiting: Waiting) -> None:
    with pytest.raises(Ended):
        waits(waiting, OTHERS[change])


def test_a_build_is_read_anew_where_another_was_at_work(waiting: Waiting) -> None:
    owner = waiting.read.checkout.lock_owner
    with pytest.raises(Ended):
        waits(waiting, lambda _: owner.write_bytes(OTHER))


def test_a_build_is_read_anew_where_plans_changed(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting.read.planner.programs, "plans_hold", lambda: False)
    assert waits(waiting, EDITS["a source"]).holds()  # no plan was made from it
    monkeypatch.setattr(standby, "_planned", lambda _: {str(waiting.root / MAIN)})
    with pytest.raises(Ended):
        waits(waiting, EDITS["a source"])


def test_what_is_not_known_is_read_anew(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "is_known", lambda *_: False)
    ours, theirs = socket.socketpair()
    with pytest.raises(Ended):
        standby_of(theirs, waits=True).reached(waiting.read)
    ours.close()


def test_a_file_that_was_saved_while_the_build_was_read_counts_as_changed(waiting: Waiting) -> None:
    (waiting.root / "SConstruct").write_text("edited")
    with pytest.raises(Ended):
        waits(waiting, EDITS["nothing"])


def test_a_file_that_appeared_while_the_build_was_read_may_belong_to_a_plan(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.write(waiting.root / "user-rs/a/build.rs", "")
    assert waits(waiting, EDITS["nothing"]).holds()
    monkeypatch.setattr(waiting.read.planner.programs, "plans_hold", lambda: False)
    ours, theirs = socket.socketpair()
    with pytest.raises(Ended):
        standby_of(theirs, waits=True).reached(waiting.read)
    ours.close()


def test_a_build_ends_when_nobody_is_there_any_more(waiting: Waiting) -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with pytest.raises(Ended):
        standby_of(theirs, waits=True).reached(waiting.read)


@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_is_large_is_looked_at_after_the_build(name: str, waiting: Waiting) -> None:
    library = waiting.root.parent / AFTERWARDS[name]
    assert waits(waiting, lambda _: None).holds()
    assert not waits(waiting, lambda _: library.write_text("another")).holds()


def test_a_build_that_does_not_wait_says_that_it_has_read_all(waiting: Waiting) -> None:
    ours, theirs = socket.socketpair()
    known = standby_of(theirs, waits=False)
    known.reached(waiting.read)
    assert ours.recv(1) == b"r"
    assert known.holds()


def edited_in(waiting: Waiting, change: Callable[[Path], object]) -> Collection[str]:
    """What a build that waited returns of a change."""
    ours, theirs = socket.socketpair()

    def go() -> None:
        assert waiting.is_let_go.wait(60)
        change(waiting.root)
        ours.send(b"g")

    thread = threading.Thread(target=go)
    thread.start()
    try:
        return standby_of(theirs, waits=True).reached(waiting.read)
    finally:
        thread.join()


def with_a_program(waiting: Waiting) -> Waiting:
    """A build that has found a program to be current."""
    path = waiting.root / "build/a"
    found = CurrentProgram({path: Output("", 0, executable=True)}, ("user-rs/a",), "")
    return replace(waiting, read=structs.replace(waiting.read, undecided=[undecided(found)]))


def undecided(found: CurrentProgram) -> Undecided:
    program = Program("a", "model", "bin", "a", "release", uses_std=False, behind_sysroot=0, strip="symbols", units=())
    return Undecided(PendingProgram(program, None, is_checked=False), found, ())


def test_a_build_that_waited_tells_what_changed(waiting: Waiting) -> None:
    assert edited_in(waiting, EDITS["a source"]) == {MAIN}


def test_a_folder_from_which_a_file_went_while_the_build_was_read_is_told_of(waiting: Waiting) -> None:
    fake.write(waiting.root / "user-rs/a/src/gone.rs", "").unlink()
    assert edited_in(waiting, EDITS["nothing"]) == {"user-rs/a/src"}


def test_a_source_that_went_while_the_build_was_read_is_told_of(waiting: Waiting) -> None:
    found = CurrentProgram({}, ("user-rs/a", ".hidden/told"), "")
    late = structs.replace(waiting.read, undecided=[undecided(found)])
    assert edited_in(replace(waiting, read=late), EDITS["nothing"]) == {".hidden/told"}


def test_a_published_program_that_was_edited_is_told_of(waiting: Waiting) -> None:
    fake.write(waiting.root / "build/a", "")
    time.sleep(2 * stamps.TICK / 1e9)
    late = structs.replace(with_a_program(waiting).read, started=time.time_ns())
    assert edited_in(replace(waiting, read=late), EDITS["an output"]) == {"build/a"}


def test_what_a_current_program_was_judged_by_counts(waiting: Waiting) -> None:
    with pytest.raises(Ended):
        edited_in(with_a_program(waiting), lambda root: fake.write(root.parent / "seen", "edited"))
