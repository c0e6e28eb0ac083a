from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.actions.action_log import Difference, Part
from ostoo_build.base import layout, state_file
from ostoo_build.execution.decided import Decided, Kind
from ostoo_build.execution.decision import Reason
from ostoo_build.why import build_notes
from ostoo_build.why.build_notes import MOST_BUILDS, MOST_DECISIONS, BuildNote

if TYPE_CHECKING:
    from pathlib import Path

CAUSE = Difference(Part.FILE, "a.rs", "1", "2")
DECIDED = Decided("a v1", "Rustc", "build/a", Kind.LOCAL, (Reason.OTHER_ACTION, Reason.UNCACHED), (CAUSE,))


def note(began: int, count: int = 1) -> BuildNote:
    return BuildNote(began, ("a",), (DECIDED,) * count, ("build/b",), {"build/p": ("build/a",)})


def test_a_note_is_read_as_it_was_written_the_latest_first(tmp_path: Path) -> None:
    assert build_notes.read(tmp_path) == ()
    for began in (1, 2):
        build_notes.add(tmp_path, note(began))
    assert build_notes.read(tmp_path) == (note(2), note(1))


def test_a_build_that_decided_nothing_is_not_noted(tmp_path: Path) -> None:
    build_notes.add(tmp_path, note(1))
    build_notes.add(tmp_path, note(2, count=0))
    assert build_notes.read(tmp_path) == (note(1),)


def test_notes_are_bounded(tmp_path: Path) -> None:
    for began in range(MOST_BUILDS + 3):
        build_notes.add(tmp_path, note(began))
    assert [each.began for each in build_notes.read(tmp_path)] == list(range(MOST_BUILDS + 2, 2, -1))
    build_notes.add(tmp_path, note(100, MOST_DECISIONS - 1))
    assert [each.began for each in build_notes.read(tmp_path)] == [100, MOST_BUILDS + 2]
    build_notes.add(tmp_path, note(101, MOST_DECISIONS))
    assert [each.began for each in build_notes.read(tmp_path)] == [101]


def test_damaged_notes_are_none(tmp_path: Path) -> None:
    build_notes.add(tmp_path, note(1))
    path = tmp_path / layout.DECISIONS
    for content in (b"", b"{}", state_file.sealed(b"{}"), path.read_bytes()[:-9]):
        path.write_bytes(content)
        assert build_notes.read(tmp_path) == ()
    build_notes.add(tmp_path, note(2))
    assert build_notes.read(tmp_path) == (note(2),)
