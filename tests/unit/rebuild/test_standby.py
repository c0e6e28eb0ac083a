from __future__ import annotations

import shutil
import socket
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import fake_toolchains as fake
import pytest

from ostoo_build.base.paths import PathMap
from ostoo_build.execution.timeline import Timeline
from ostoo_build.rebuild import dependencies, watched
from ostoo_build.rebuild.standby import STALE, Standby
from ostoo_build.rules import unit_inputs, whole_program
from ostoo_build.start import null_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ostoo_build.invocation.session import Session

MAIN = "user-rs/a/src/main.rs"
AFTERWARDS = {"toolchain": "toolchain/std/lib.rs", "crates": "crates/fnv/lib.rs"}
"""A file of each field that is looked at after the build."""

PLACES = [name for name in dependencies.Footing.__struct_fields__ if name not in ("checkout", *AFTERWARDS)]


@dataclass
class Unit:
    package: str = "user-rs/a"


@dataclass
class Checkout:
    """What of a session a build on standby asks for."""

    root: Path
    units: dict[str, Unit] = field(default_factory=lambda: {"a": Unit()})
    timeline: Timeline = field(default_factory=Timeline)
    locked: bool = True
    others: bool = False
    plans: bool = True

    @property
    def paths(self) -> PathMap:
        return PathMap((("root", self.root),))

    def lock(self) -> bool:
        self.locked = True
        return self.others

    def unlock(self) -> None:
        self.locked = False

    @property
    def programs(self) -> Checkout:
        return self

    def plans_hold(self) -> bool:
        return self.plans


class Ended(Exception):  # noqa: N818 - it stands for the end of the process
    """The process would have ended."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    for name in (MAIN, "user-rs/a/src/text.txt", "user-rs/a/Cargo.toml", "user-rs/b/src/main.rs", "SConstruct"):
        fake.write(tmp_path / "os" / name, name)
    for name in AFTERWARDS.values():
        fake.write(tmp_path / name, "std")
    for name in PLACES:
        fake.write(tmp_path / "places" / name, name)
    known = dependencies.Footing(
        checkout=((str(tmp_path / "os"), ["build"]),),
        toolchain=((str(tmp_path / "toolchain"), []),),
        crates=((str(tmp_path / "crates"), []),),
        **{name: (str(tmp_path / "places" / name), str(tmp_path / "absent")) for name in PLACES},
    )
    monkeypatch.setattr(dependencies, "is_known", lambda _: True)
    monkeypatch.setattr(dependencies, "of", lambda _: known)
    monkeypatch.setattr(unit_inputs, "declared_files", lambda *_: [])
    monkeypatch.setattr(whole_program, "renew", lambda _: None)
    monkeypatch.setattr(watched, "note", lambda _: None)
    time.sleep(0.06)  # else the files are as good as changed while they were read
    monkeypatch.setattr(null_build, "STARTED", time.time_ns())

    def end(code: int) -> None:
        assert code == STALE
        raise Ended

    monkeypatch.setattr("os._exit", end)
    return Checkout(tmp_path / "os")


def waits(checkout: Checkout, change: Callable[[Path], object]) -> Standby:
    """A build that waited while something changed. Raises `Ended` where it has to be read anew."""
    ours, theirs = socket.socketpair()
    waiting = Standby(theirs, waits=True)

    def go() -> None:
        assert ours.recv(1) == b"r"
        while checkout.locked:
            time.sleep(0.001)
        change(checkout.root)
        ours.send(b"g")

    thread = threading.Thread(target=go)
    thread.start()
    try:
        waiting.reached(cast("Session", checkout))
    finally:
        thread.join()
    return waiting


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
    **{f"what stands in {name}": partial(_edit_place, name) for name in PLACES},
}


@pytest.mark.parametrize("change", EDITS)
def test_a_build_that_waits_goes_on_after_an_edit(change: str, checkout: Checkout) -> None:
    assert waits(checkout, EDITS[change]).holds()
    assert checkout.locked


@pytest.mark.parametrize("change", OTHERS)
def test_a_build_is_read_anew_after_anything_else(change: str, checkout: Checkout) -> None:
    with pytest.raises(Ended):
        waits(checkout, OTHERS[change])


@pytest.mark.parametrize("what", [{"others": True}, {"plans": False}])
def test_a_build_is_read_anew_where_another_was_at_work_or_plans_changed(what: Any, checkout: Checkout) -> None:
    for name, value in what.items():
        setattr(checkout, name, value)
    with pytest.raises(Ended):
        waits(checkout, EDITS["a source"])


def test_what_is_not_known_is_read_anew(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "is_known", lambda _: False)
    ours, theirs = socket.socketpair()
    with pytest.raises(Ended):
        Standby(theirs, waits=True).reached(cast("Session", checkout))
    ours.close()


def test_a_file_that_was_saved_while_the_build_was_read_counts_as_changed(checkout: Checkout) -> None:
    (checkout.root / "SConstruct").write_text("edited")
    with pytest.raises(Ended):
        waits(checkout, EDITS["nothing"])


def test_a_build_ends_when_nobody_is_there_any_more(checkout: Checkout) -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with pytest.raises(Ended):
        Standby(theirs, waits=True).reached(cast("Session", checkout))


@pytest.mark.parametrize("name", AFTERWARDS)
def test_what_is_large_is_looked_at_after_the_build(name: str, checkout: Checkout) -> None:
    library = checkout.root.parent / AFTERWARDS[name]
    assert waits(checkout, lambda _: None).holds()
    assert not waits(checkout, lambda _: library.write_text("another")).holds()


def test_a_build_that_does_not_wait_says_that_it_has_read_all(checkout: Checkout) -> None:
    ours, theirs = socket.socketpair()
    known = Standby(theirs, waits=False)
    known.reached(cast("Session", checkout))
    assert ours.recv(1) == b"r"
    assert known.holds()
