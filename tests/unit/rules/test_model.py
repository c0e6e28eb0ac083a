"""Whatever happened to a checkout, its cache and what builds remember: a build leaves what a clean one makes.

A longer campaign by hand: PYTHONPATH=site_scons:tests/support python tests/unit/rules/test_model.py EXAMPLES STEPS
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import model_checkout as model
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from model_builds import Builds
from model_checkout import PROGRAMS, SOURCES, UNREAD, VARIABLES, Request

from ostoo_build.actions.record import NAME
from ostoo_build.base import stamps
from ostoo_build.cache import upkeep as cache_upkeep

TEXTS = st.sampled_from(("pub a", "pub b", "c", "d", "pub ONE_WORD", "TWO_WORDS"))
EDITED = st.sampled_from(sorted(set(SOURCES) - {"plan.json", "targets/model.json"}))
ASKED = st.sampled_from((("one",), ("two",), PROGRAMS))
MEANWHILE = st.dictionaries(
    st.sampled_from(sorted(name for name in SOURCES if name.startswith("user-rs/"))), TEXTS, min_size=1, max_size=2
)
_DAMAGE: tuple[dict[str, str | None], ...] = (
    {},
    {"user-rs/base/src/more.rs": None},
    {"user-rs/gen/.told": None},
    {"build/model/release/one": None},
    {"build/**/libbase.r*": None},
    {"build/**/libbase.rlib": "damaged"},
    {"build/**/out/generated.rs": "damaged"},
    {"build/**/libgen.rmeta": ""},
    {f"build/**/{NAME}": "{}"},
)
DAMAGE = st.one_of(st.just(_DAMAGE[0]), st.sampled_from(_DAMAGE))
MODULE, OTHER_PLACE = "user-rs/base/src/more.rs", "user-rs/base/src/more/mod.rs"
ANY = st.integers(0, 10_000)


def sources(root: Path) -> dict[str, str]:
    """All that a person may have edited, by name; a link by what it says."""
    found = {}
    for name in ("user-rs", "targets", "plan.json"):
        for path in (root / name).rglob("*") if (root / name).is_dir() else [root / name]:
            if path.is_symlink():
                found[path.relative_to(root).as_posix()] = f"-> {path.readlink()}"
            elif path.is_file():
                found[path.relative_to(root).as_posix()] = path.read_text()
    return found


def lay(root: Path, wanted: dict[str, str]) -> None:
    """Make a checkout's sources these, as a change of the branch does: what is the same is not touched."""
    now = sources(root)
    for name in now.keys() - wanted.keys():
        (root / name).unlink()
    for name, text in wanted.items():
        if now.get(name) != text:
            (root / name).unlink(missing_ok=True)
            if text.startswith("-> "):
                (root / name).symlink_to(text.removeprefix("-> "))
            else:
                model.write(root, name, text)


class Checkouts(RuleBasedStateMachine):
    """One checkout, and what happens to it."""

    builds: Builds
    truth: dict[str, dict[str, str]]
    """What clean builds make, by the sources and variables; nothing where they fail."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ostoo-model-"))
        self.root = self.folder / "checkout"
        self.cache = str(self.folder / "cache")
        self.branches: list[dict[str, str]] = []
        self.copies = 0
        self.variables: dict[str, str] = {}
        self.changes = 0
        self.accesses = 0
        self.waited = False

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        model.create(self.root)
        self.branches.append(sources(self.root))
        self.build(PROGRAMS)

    @rule(name=EDITED, text=TEXTS)
    def edit(self, name: str, text: str) -> None:
        model.write(self.root, name, text)

    @rule(name=EDITED, text=TEXTS)
    def edit_and_put_the_time_back(self, name: str, text: str) -> None:
        path = self.root / name
        status = path.stat() if path.exists() else None
        model.write(self.root, name, text)
        if status is not None:
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    @rule(name=st.sampled_from(VARIABLES), value=st.sampled_from((None, "", "@{root}")))
    def set_a_variable(self, name: str, value: str | None) -> None:
        self.variables.pop(name, None)
        if value is not None:
            self.variables[name] = value

    @rule(flavor=st.sampled_from(("a", "b")))
    def plan_otherwise(self, flavor: str) -> None:
        model.write(self.root, "plan.json", json.dumps(flavor))

    @rule(goal=st.sampled_from(("more.rs", "lib.rs", "nowhere")))
    def turn_the_link(self, goal: str) -> None:
        link = self.root / "user-rs/base/src/link.rs"
        link.unlink(missing_ok=True)
        link.symlink_to(goal)

    @rule(name=st.sampled_from((MODULE, OTHER_PLACE, "user-rs/gen/.told", "user-rs/shared.txt", *UNREAD)))
    def take_a_source_away(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    @rule(name=st.sampled_from((OTHER_PLACE, "user-rs/base/src/new.rs", "user-rs/two/src/more/deep.rs")), text=TEXTS)
    def add_a_source(self, name: str, text: str) -> None:
        """Where a module is there twice, rustc refuses it."""
        model.write(self.root, name, text)

    @rule()
    def move_a_module(self) -> None:
        source, goal = (self.root / name for name in (MODULE, OTHER_PLACE))
        source, goal = (source, goal) if source.is_file() else (goal, source)
        if source.is_file():
            goal.parent.mkdir(exist_ok=True)
            source.replace(goal)

    @rule(programs=ASKED, text=TEXTS)
    def give_a_module_a_second_file(self, programs: tuple[str, ...], text: str) -> None:
        self.build(programs)
        model.write(self.root, OTHER_PLACE if (self.root / MODULE).is_file() else MODULE, text)
        self.build(programs)

    @rule(name=st.sampled_from(UNREAD), text=TEXTS)
    def edit_what_nobody_reads(self, name: str, text: str) -> None:
        (answer,) = self._ask(self._request(PROGRAMS))
        model.write(self.root, name, text)
        (again,) = self._ask(self._request(PROGRAMS))
        assert again["code"] == answer["code"], (answer, again)
        assert answer["code"] != 0 or again["runs"] == [], again

    @rule(number=ANY)
    def swap_two_sources(self, number: int) -> None:
        """Each keeps its size, times and inode, under the other's name."""
        names = [name for name in sorted(SOURCES) if name.endswith(".rs") and (self.root / name).is_file()]
        one, other = names[number % len(names)], names[number // 7 % len(names)]
        if one != other:
            (self.root / one).rename(self.root / "aside")
            (self.root / other).rename(self.root / one)
            (self.root / "aside").rename(self.root / other)

    @rule()
    def keep_a_branch(self) -> None:
        self.branches.append(sources(self.root))

    @rule(number=ANY)
    def change_the_branch(self, number: int) -> None:
        lay(self.root, self.branches[number % len(self.branches)])

    @rule(programs=ASKED, number=ANY, after=st.sampled_from(("undo", "edit", "")), name=EDITED, text=TEXTS)
    def edit_and_kill_the_build(self, programs: tuple[str, ...], number: int, after: str, name: str, text: str) -> None:
        """The build is killed before one of the changes that it makes to a file, whichever."""
        before = sources(self.root)
        model.write(self.root, name, text)
        self._ask(self._request(programs, 1 + number % max(self.changes, 1)))
        if after == "undo":
            lay(self.root, before)
        elif after == "edit":
            model.write(self.root, name, "after")

    @rule(number=ANY, damage=st.sampled_from(("lose", "flip", "cut", "empty", "folder")))
    def damage_what_builds_made(self, number: int, damage: str) -> None:
        """A folder in a program's own place is the user's, and a mistake of another test."""
        places = [f"build/{model.TARGET}/release/{name}" for name in PROGRAMS] if damage == "folder" else []
        files = [path for path in sorted((self.root / "build").rglob("*")) if path.is_file()]
        files = [path for path in files if path.relative_to(self.root).as_posix().removesuffix(".debug") not in places]
        if files:
            spoil(files[number % len(files)], damage)

    @rule(name=st.sampled_from(("junk", "data", "data/junk", "more/junk", "empty/")))
    def leave_something_beside_what_a_script_left(self, name: str) -> None:
        out = self.root / f"build/host/release/units/gen-run/out/{name}"
        if out.parent.parent.is_dir() and not out.parent.is_file() and not out.exists():
            out.mkdir(parents=True) if name.endswith("/") else model.write(self.root, str(out), "junk")

    @rule(number=ANY, damage=st.sampled_from(("lose", "flip", "cut", "empty")))
    def damage_half_of_the_cache(self, number: int, damage: str) -> None:
        entries = [
            path for part in ("ac", "cas") for path in sorted(Path(self.cache, part).rglob("*")) if path.is_file()
        ]
        for path in entries[number % 2 :: 2]:
            spoil(path, damage)

    @rule()
    def clear_the_cache(self) -> None:
        cache_upkeep.clear(Path(self.cache))

    @rule(limit=st.integers(0, 60))
    def collect_the_cache(self, limit: int) -> None:
        cache_upkeep.collect(Path(self.cache), limit << 10)

    @rule()
    def clean(self) -> None:
        shutil.rmtree(self.root / "build", ignore_errors=True)

    @rule()
    def forget(self) -> None:
        shutil.rmtree(self.root / "build/.ostoo", ignore_errors=True)

    @rule()
    def put_aside_what_was_built(self) -> None:
        shutil.rmtree(self.folder / "aside", ignore_errors=True)
        if (self.root / "build").exists():
            shutil.copytree(self.root / "build", self.folder / "aside")

    @rule(part=st.sampled_from((".", ".ostoo", f"{model.TARGET}/release/units", "host")))
    def return_to_what_was_built_in_another_life(self, part: str) -> None:
        """From a backup, with the times that the files had."""
        if (self.folder / "aside" / part).exists():
            shutil.rmtree(self.root / "build" / part, ignore_errors=True)
            shutil.copytree(self.folder / "aside" / part, self.root / "build" / part)

    @rule(parts=st.sampled_from(("all", "sources")))
    def copy_the_tree(self, parts: str) -> None:
        """And go on in the copy."""
        self.copies += 1
        copy = self.folder / f"copy{self.copies}"
        left_out = ["build"] if parts == "sources" else []
        shutil.copytree(self.root, copy, symlinks=True, ignore=shutil.ignore_patterns(*left_out))
        shutil.rmtree(self.root)
        self.root = copy

    @rule(programs=ASKED, edits=MEANWHILE, damage=DAMAGE)
    def edit_while_a_build_waits(
        self, programs: tuple[str, ...], edits: dict[str, str], damage: dict[str, str | None]
    ) -> None:
        """It was read before the edits, after others."""
        self.build(programs)
        (answer,) = self._ask(replace(self._request(programs), meanwhile={**edits, **damage}, waits=True))
        self.waited = answer["waited"] is not None
        self._compare(programs, answer)

    @rule(programs=ASKED, number=ANY, name=EDITED, text=TEXTS, other=EDITED, waits=st.booleans())
    def edit_while_a_build_runs(
        self, programs: tuple[str, ...], number: int, name: str, text: str, other: str, *, waits: bool
    ) -> None:
        """A file changes before one of the accesses of the build to a file, whichever, and one before the build."""
        model.write(self.root, other, text)
        moment = 1 + number % max(self.accesses, 1)
        request = replace(self._request(programs), meanwhile={name: f"{text} late"}, edited_at=moment, waits=waits)
        (answer,) = self._ask(request)
        assert answer["code"] in (0, 2), answer
        self.waited = answer["waited"] is not None
        if self.waited and moment <= answer["waited"]:
            self._compare(programs, answer)
        else:
            self.build(programs)

    @rule(programs=ASKED)
    def build(self, programs: tuple[str, ...]) -> None:
        (answer,) = self._ask(self._request(programs))
        self._compare(programs, answer)

    def accesses_before_a_wait(self, programs: tuple[str, ...]) -> int:
        """How often a build accesses files before it waits, where nothing needs work."""
        asked = replace(self._request(programs), waits=True)
        self._ask(asked)  # the second one finds all memos
        (ready,) = self._ask(asked)
        self.accesses = found = int(ready["waited"])
        return found

    @rule()
    def two_builds_at_once(self) -> None:
        for name, answer in zip(PROGRAMS, self._ask(*(self._request((name,)) for name in PROGRAMS)), strict=True):
            self._compare((name,), answer)

    def _request(self, programs: tuple[str, ...], kill: int = 0) -> Request:
        return Request(str(self.root), self.cache, programs, self.variables, kill)

    def _ask(self, *requests: Request) -> list[dict[str, Any]]:
        answers = self.builds.ask(*requests)
        self.changes = max(self.changes, *(answer["changes"] for answer in answers))
        self.accesses = max(self.accesses, *(answer["accesses"] for answer in answers))
        return answers

    def _compare(self, programs: tuple[str, ...], answer: dict[str, Any]) -> None:
        truth = self._truth()
        assert answer["code"] == (0 if truth else 2), answer
        if not truth:
            return
        assert self._published(self.root, programs) == {name: truth[name] for name in programs}
        (again,) = self._ask(self._request(programs))
        assert (again["code"], again["runs"]) == (0, []), "something was left to do"

    def _truth(self) -> dict[str, str]:
        state = json.dumps([sources(self.root), self.variables], sort_keys=True)
        if state not in self.truth:
            clean = self.folder / "clean" / "checkout"
            shutil.copytree(self.root, clean, symlinks=True, ignore=shutil.ignore_patterns("build"))
            shutil.copytree(self.folder / "tools", clean.parent / "tools")
            (answer,) = self.builds.ask(Request(str(clean), "off", PROGRAMS, self.variables))
            assert answer["code"] in (0, 2), answer
            self.truth[state] = self._published(clean, PROGRAMS) if answer["code"] == 0 else {}
            shutil.rmtree(clean.parent)
        return self.truth[state]

    def _published(self, root: Path, programs: tuple[str, ...]) -> dict[str, str]:
        folder = root / "build" / model.TARGET / "release"
        return {name: (folder / name).read_text() + (folder / f"{name}.debug").read_text() for name in programs}


def spoil(path: Path, damage: str) -> None:
    data = path.read_bytes()
    if damage == "lose":
        path.unlink()
    elif damage == "folder":
        path.unlink()
        (path / "inside").mkdir(parents=True)
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :] if data else b"x"
        path.write_bytes({"flip": flipped, "cut": data[:middle], "empty": b""}[damage])


def campaign(examples: int, steps: int) -> None:
    """Have so many checkouts live through so many steps each. Raises `AssertionError` for a wrong program."""
    Checkouts.builds, Checkouts.truth = Builds(), {}
    try:
        run_state_machine_as_test(
            Checkouts,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
    finally:
        Checkouts.builds.close()


@pytest.mark.long
def test_whatever_happened_a_build_leaves_what_a_clean_one_makes() -> None:
    campaign(examples=8, steps=25)


@pytest.mark.long
def test_a_build_that_waited_for_edits_leaves_what_a_clean_one_makes() -> None:
    """Most wait, and need not be read anew."""
    Checkouts.builds, Checkouts.truth = Builds(), {}
    waited: list[bool] = []

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(ASKED, MEANWHILE, DAMAGE), min_size=1, max_size=5))
    @example([(("one",), {"user-rs/base/src/lib.rs": "pub a"}, {"build/**/out/generated.rs": "damaged"})])
    def live(steps: list[tuple[tuple[str, ...], dict[str, str], dict[str, str | None]]]) -> None:
        life = Checkouts()
        try:
            life.begin()
            for step in steps:
                time.sleep(2 * stamps.TICK / 1e9)
                life.edit_while_a_build_waits(*step)
                waited.append(life.waited)
        finally:
            life.teardown()

    try:
        live()
    finally:
        Checkouts.builds.close()
    assert sum(waited) > len(waited) / 3


@pytest.mark.long
def test_an_edit_while_a_build_gets_ready_to_wait_is_never_missed() -> None:
    """Whatever it has read by then: nothing needs work, and it finds that before it waits."""
    Checkouts.builds, Checkouts.truth = Builds(), {}
    life, waited = Checkouts(), list[bool]()
    try:
        life.begin()
        moments = range(1, life.accesses_before_a_wait(("one",)) + 1, 8)
        for moment, name in itertools.product(moments, ("user-rs/gen/.told", "user-rs/base/src/more.rs")):
            life.edit_while_a_build_runs(("one",), moment, name, f"{moment}", UNREAD[1], waits=True)
            waited.append(life.waited)
    finally:
        life.teardown()
        Checkouts.builds.close()
    assert sum(waited) > len(waited) / 3


EDITED_BEFORE = "user-rs/gen/src/lib.rs"
_LAST = 72
"""Accesses of files with which a build of the model ends: it proves there that what it publishes is what is read."""


@pytest.mark.long
@pytest.mark.parametrize("name", ["user-rs/gen/.told", "targets/model.loader.json"])
def test_an_edit_during_a_build_is_never_taken_for_built(name: str) -> None:
    """Whatever the build has done by then; the build itself may say that a file changed."""
    Checkouts.builds, Checkouts.truth = Builds(), {}
    life = Checkouts()
    try:
        life.begin()
        life.accesses = 0
        model.write(life.root, EDITED_BEFORE, "first")
        life.build(("one",))
        for moment in range(life.accesses - _LAST, life.accesses, 5):
            life.edit_while_a_build_runs(("one",), moment, name, f"{moment}", EDITED_BEFORE, waits=False)
    finally:
        life.teardown()
        Checkouts.builds.close()


def test_what_was_made_where_a_file_was_missing_is_not_for_who_has_it() -> None:
    """What a script named and did not find is no input: its name has to be in the key, and in no other one."""
    Checkouts.builds, Checkouts.truth = Builds(), {}
    life = Checkouts()
    try:
        life.begin()
        life.clear_the_cache()
        for name in ("user-rs/gen/.told", "user-rs/shared.txt"):
            life.take_a_source_away(name)
        life.build(PROGRAMS)
        life.copy_the_tree("sources")
        life.change_the_branch(0)
        life.build(PROGRAMS)
    finally:
        Checkouts.builds.close()
        life.teardown()


if __name__ == "__main__":
    began = time.monotonic()
    campaign(int(sys.argv[1]), int(sys.argv[2]))
    took = time.monotonic() - began
    sys.stdout.write(f"{sys.argv[1]} checkouts, {sys.argv[2]} steps each, {took:.0f} s: no wrong program\n")
