"""After random edits of a generated graph, `why` names exactly what was edited, and what ran.

The compiler is that of `model_checkout`.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import model_checkout as model
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_builds import Builds
from model_checkout import VARIABLES, Request

from ostoo_build.base import layout
from ostoo_build.why import about_programs, history
from ostoo_build.why.answers import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.why.answers import Answer

LIBRARIES, PROGRAMS = ("la", "lb", "lc"), ("pa", "pb")
TEXTS = st.sampled_from(("pub a", "pub b", "c", "d", "ONE_WORD", "pub TWO_WORDS", model.BROKEN))
UNITS = st.sampled_from((*LIBRARIES, *PROGRAMS))
EDITS = st.one_of(
    st.tuples(st.just("file"), UNITS, TEXTS),
    st.tuples(st.just("unread"), UNITS, TEXTS),
    st.tuples(st.just("features"), UNITS, st.sampled_from(((), ("x",), ("x", "y")))),
    st.tuples(st.just("flags"), UNITS, st.sampled_from(((), ("-O",), ("-C", "opt-level=3")))),
    st.tuples(st.just("needs"), UNITS, st.sets(st.sampled_from(LIBRARIES))),
    st.tuples(st.just("variable"), st.sampled_from(VARIABLES), st.sampled_from((None, "1", "2"))),
    st.tuples(st.just("toolchain"), st.just(""), TEXTS),
)
STEPS = st.lists(
    st.tuples(st.lists(EDITS, max_size=3), st.sampled_from((PROGRAMS, ("pa",), ("pb",)))), min_size=1, max_size=8
)

Names = set[tuple[str, str]]
"""Parts of keys by kind and name."""


def source(name: str) -> str:
    return f"user-rs/{name}/src/{'main' if name in PROGRAMS else 'lib'}.rs"


def readme(name: str) -> str:
    return f"user-rs/{name}/README.md"


def words(text: str) -> set[str]:
    return {word for word in text.split() if word in VARIABLES}


@dataclass(frozen=True)
class State:
    """All that a program depends on, in the naive model, by unit name."""

    files: dict[str, str]
    features: dict[str, tuple[str, ...]]
    flags: dict[str, tuple[str, ...]]
    ids: dict[str, str]
    variables: dict[str, str | None]
    toolchain: str
    unread: dict[str, str]
    """Texts of files that nobody reads."""

    @property
    def asked(self) -> set[str]:
        return set().union(*map(words, self.files.values()))

    @property
    def matters(self) -> tuple[object, ...]:
        """Equal for states in which the program is the same."""
        values = {name: self.variables.get(name) for name in self.asked}
        return self.files, self.features, self.flags, self.ids, values, self.toolchain

    @property
    def broken(self) -> bool:
        """Whether a file of it does not compile."""
        return any(model.BROKEN in text.split() for text in self.files.values())


@dataclass
class Life:
    """A checkout, what is edited in it, and what the model expects of the next build."""

    root: Path
    cache: str
    graph: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    toolchain: str = ""
    made: dict[str, State] = field(default_factory=dict)
    """Of what each program was made."""
    last: dict[str, State] = field(default_factory=dict)
    """Of what it was made, or failed, when it was last decided."""
    told: dict[str, set[str]] = field(default_factory=dict)
    """Variables that the last run of a unit asked for, by its id."""

    def begin(self) -> None:
        model.create(self.root)
        for name in (*LIBRARIES, *PROGRAMS):
            self.graph[name] = {"needs": [], "features": [], "flags": [], "is_program": name in PROGRAMS}
            self.edit(("file", name, "pub a"))
        for name in PROGRAMS:
            self.edit(("needs", name, {"la"}))
        self.edit(("toolchain", "", "first"))

    def edit(self, edit: tuple[str, str, Any]) -> None:
        kind, name, value = edit
        if kind == "file":
            self.files[name] = value
            model.write(self.root, source(name), value)
        elif kind == "unread":
            self.unread[name] = value
            model.write(self.root, readme(name), value)
        elif kind == "variable":
            self.variables.pop(name, None)
            self.variables |= {} if value is None else {name: value}
        elif kind == "toolchain":
            self.toolchain = value
            model.write(self.root.parent, "tools/library/core/lib.rs", value)
        else:
            before = [other for other in LIBRARIES if name in PROGRAMS or other < name]
            self.graph[name][kind] = [each for each in before if each in value] if kind == "needs" else list(value)
            model.write(self.root, "plan.json", json.dumps(self.graph))

    def state(self, program: str) -> State:
        plan = model.plan(self.root)[program]
        names = {unit.label.removesuffix(" v1"): unit.id for unit in plan.units}
        return State(
            files={name: self.files[name] for name in names},
            features={name: tuple(self.graph[name]["features"]) for name in names},
            flags={name: tuple(self.graph[name]["flags"]) for name in names},
            ids=names,
            variables=dict(self.variables),
            toolchain=self.toolchain,
            unread={readme(name): self.unread.get(name, "") for name in names},
        )

    def expected(self, before: State, now: State, asked: set[str]) -> Iterator[tuple[str, str]]:
        """Yield what differs between two states of a program, by the names of `why`."""
        if before.toolchain != now.toolchain:
            yield "toolchain", ""
        for name in before.asked & asked:
            if before.variables.get(name) != now.variables.get(name):
                yield "variable", name
        for unit in before.files.keys() | now.files:
            there = before.features.get(unit), now.features.get(unit)
            shown = f"{unit} v1 (program)" if unit in PROGRAMS else f"{unit} v1"
            if there[0] != there[1]:
                yield "plan", f"features of {shown}"
            if None in there:
                continue
            if before.flags[unit] != now.flags[unit]:
                yield "plan", f"flags of {shown}"
            if before.files[unit] != now.files[unit]:
                yield "file", source(unit)

    def build(self, builds: Builds, programs: tuple[str, ...]) -> None:
        """Build, and compare all answers with what the model expects."""
        (answer,) = builds.ask(Request(str(self.root), self.cache, programs, self.variables))
        states = {program: self.state(program) for program in programs}
        broken = {program for program in programs if states[program].broken}
        assert answer["code"] == (2 if broken else 0), answer["said"]
        notes = {program: self.of(program) for program in programs}
        told = dict(self.told)
        for program, note in notes.items():
            before, now = self.last.get(program), states[program]
            if program in self.made and self.made[program].matters == now.matters:
                assert note is None, (program, note)
                continue
            if note is None:
                assert broken, (program, before, now)
                continue
            assert (note.verdict is Verdict.FAILED) == (program in broken), (program, note)
            asked = now.asked
            if note.verdict is not Verdict.RESTORED:
                asked = set().union(*(told.get(id_, set()) for id_ in now.ids.values()))
            found = {(each.part.value, each.name) for each in note.causes}
            wanted: Names = set(self.expected(before, now, asked)) if before is not None else set()
            maybe: Names = set()
            if before is not None and before.broken:  # then nothing told what it read
                maybe = {("file", name) for name, text in now.unread.items() if before.unread.get(name) != text}
            assert wanted <= found <= wanted | maybe, (program, note, before, now)
            self.last[program] = now
            if program not in broken:
                self.made[program] = now
        for state in states.values():
            self.told |= {id_: words(state.files[name]) for name, id_ in state.ids.items() if id_ in answer["runs"]}
        self._ran(notes, answer["runs"])

    def of(self, program: str) -> Answer | None:
        """The answer of the last build; None if it says that nothing was done."""
        known = history.read(self.root)
        published = layout.program(model.TARGET, "release", program)
        found = about_programs.answer(known, program, published)
        assert known.programs[published].arguments[0] == program
        return found if known.builds[0].of(published) and self.is_new(known.builds[0].began) else None

    began: int = 0

    def is_new(self, began: int) -> bool:
        return began > self.began

    def _ran(self, notes: dict[str, Answer | None], runs: list[str]) -> None:
        """What the answers call run here is what ran."""
        here = set()
        for note in filter(None, notes.values()):
            for step in note.steps:
                if step.way == "run here" and re.search(r"/units/[^/]+$", step.folder):
                    here.add(step.folder.rpartition("/")[2])
            assert note.verdict in (Verdict.BUILT, Verdict.RESTORED, Verdict.FAILED)
        assert here == {run for run in runs if not run.startswith("link ")}


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_why_names_exactly_what_was_edited_and_what_ran(steps: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ostoo-why-"))
    builds = Builds()
    try:
        life = Life(folder / "checkout", str(folder / "cache"))
        life.begin()
        life.build(builds, PROGRAMS)
        for edits, programs in steps:
            known = history.read(life.root).builds
            life.began = known[0].began if known else 0
            for edit in edits:
                life.edit(edit)
            life.build(builds, programs)
    finally:
        builds.close()
        shutil.rmtree(folder)
