"""What a build depends on, field by field: a change of what any of them names is seen by all who trust them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from ostoo_build import null_build_note
from ostoo_build.footing import Footing, Observed

if TYPE_CHECKING:
    from pathlib import Path

TREES = ("checkout", "toolchain", "crates")
MADE_OF, SEEN = ([field.name for field in fields(each)] for each in (Footing, Observed))
ASKED = ("3", "python", ["a"], b"")


@pytest.fixture
def stands_on(tmp_path: Path) -> tuple[Footing, Observed]:
    """What depends on a file for each field, and on nothing else."""
    for name in (*MADE_OF, *SEEN):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    trees = {name: ((str(tmp_path / name), ["skipped"]),) for name in TREES}
    places = {name: (str(tmp_path / name / "file"),) for name in (*MADE_OF, *SEEN) if name not in TREES}
    made_of = Footing(**{name: {**trees, **places}[name] for name in MADE_OF})  # type: ignore[arg-type]  # by name
    return made_of, Observed(**{name: places[name] for name in SEEN})


@pytest.mark.parametrize("name", [*MADE_OF, *SEEN])
def test_a_note_stands_on_each_field(name: str, stands_on: tuple[Footing, Observed], tmp_path: Path) -> None:
    note = null_build_note.note(*stands_on, ASKED, ["a"])
    (tmp_path / name / "skipped").write_text("")
    (tmp_path / "unrelated").write_text("")
    assert note.answers(ASKED)
    (tmp_path / name / "file").write_text("edited")
    assert not note.answers(ASKED)
