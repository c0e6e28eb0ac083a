"""After random edits of a checkout, no program that a build makes again, or otherwise, is missed.

The compiler is that of `model_checkout`.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import model_checkout as model
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_builds import Builds
from model_checkout import PROGRAMS, SOURCES, UNREAD, Request

from ostoo_build.base import layout
from ostoo_build.query import program_reads
from ostoo_build.query.changes import Change
from ostoo_build.why import build_notes

PLAN = "plan.json"
NEW = (
    "user-rs/base/src/more/mod.rs",
    "user-rs/base/src/other.rs",
    "user-rs/gen/src/data.txt",
    "user-rs/new.txt",
    "docs/page.md",
)
NAMES = st.sampled_from((*sorted({*SOURCES} - {PLAN, "targets/model.json"}), *NEW))
EDITS = st.one_of(
    st.tuples(st.just("write"), NAMES, st.sampled_from(("pub a", "b", "ONE_WORD"))),
    st.tuples(st.just("remove"), NAMES, st.just("")),
    st.tuples(st.just("link"), st.just("user-rs/base/src/link.rs"), st.sampled_from(("more.rs", "unread.rs"))),
)
STEPS = st.lists(
    st.tuples(
        st.lists(EDITS, min_size=1, max_size=3), st.sampled_from((PROGRAMS, ("one",), ("two",), ())), st.integers(0, 3)
    ),
    min_size=1,
    max_size=6,
)


@dataclass
class State:
    """The files of a checkout, and the programs that were built from them."""

    files: dict[str, str]
    built: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Life:
    root: Path
    cache: str
    states: list[State] = field(default_factory=list)

    def edit(self, edit: tuple[str, str, str]) -> None:
        kind, name, value = edit
        path = self.root / name
        if kind == "write" and not path.is_dir():
            model.write(self.root, name, value)
        elif kind == "remove" and path.is_file():
            path.unlink()
        elif kind == "link":
            path.unlink(missing_ok=True)
            path.symlink_to(value)

    def files(self) -> dict[str, str]:
        """What git would keep: contents, and targets of links."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if name.startswith("build/") or (path.is_dir() and not path.is_symlink()):
                continue
            found[name] = f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        return found

    def named(self, since: State) -> set[str]:
        """The programs that the changes since a state reach, by what is known now."""
        now = self.files()
        changes = [
            Change(str(self.root / name), is_entry=name not in now or name not in since.files)
            for name in sorted({*now, *since.files})
            if now.get(name) != since.files.get(name)
        ]
        made = model.invoked(model.checkout_at(self.root), self.cache)
        try:
            found = set()
            for name, program in model.plan(self.root).items():
                made.planner.units.update({unit.id: unit for unit in program.units})
                reads = program_reads.of(made.planner, made.services, program, is_checked=True)
                if any(part.is_reached(change) for part in reads for change in changes):
                    found.add(name)
            return found
        finally:
            made.services.close()

    def build(self, builds: Builds, programs: tuple[str, ...]) -> None:
        """Build in the state that there is now, and keep what was built."""
        self.states.append(State(self.files()))
        if programs:
            builds.ask(Request(str(self.root), self.cache, programs, {}))
        for name in programs:
            note = build_notes.read(self.root)[:1]
            published = layout.program(model.TARGET, "release", name)
            path = self.root / published
            if path.is_file() and not any(each.is_failed for build in note for each in build.decided):
                self.states[-1].built[name] = path.read_bytes()

    def made_again(self) -> set[str]:
        """The programs that the last build did not find up to date."""
        published = {layout.program(model.TARGET, "release", name): name for name in PROGRAMS}
        return {published[each.folder] for each in build_notes.read(self.root)[0].decided if each.folder in published}


def step(life: Life, builds: Builds, edits: list[Any], programs: tuple[str, ...], back: int) -> None:
    last = life.states[-1]
    known = set(last.built)
    for edit in edits:
        life.edit(edit)
    now = life.files()
    older = life.states[-1 - min(back, len(life.states) - 1)]
    named, since_older = life.named(last), life.named(older)
    changed = {name for name in {*now, *last.files} if now.get(name) != last.files.get(name)}
    if known == set(PROGRAMS) and all(name in UNREAD and name in now and name in last.files for name in changed):
        assert named == set(), changed
    before = len(build_notes.read(life.root))
    notes = build_notes.read(life.root)[:1]
    life.build(builds, programs)
    if build_notes.read(life.root)[:1] != notes or len(build_notes.read(life.root)) != before:
        assert {name for name in life.made_again() if name in known} <= named, (changed, named)
    for name, content in life.states[-1].built.items():
        if name in older.built and older.built[name] != content:
            assert name in since_older, (older.files, now)


@pytest.mark.long
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_no_program_that_changes_is_missed_and_none_is_named_for_what_nobody_read(steps: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ostoo-affected-"))
    builds = Builds()
    try:
        life = Life(folder / "checkout", str(folder / "cache"))
        model.create(life.root)
        life.build(builds, PROGRAMS)
        assert set(life.states[0].built) == set(PROGRAMS)
        for edits, programs, back in steps:
            step(life, builds, edits, programs, back)
    finally:
        builds.close()
        shutil.rmtree(folder)
