from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.planning import std_environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "src/os").mkdir(parents=True)
    (tmp_path / "src/lib.rs").write_text('const A: &str = env!("NAMED"); // NOT_A_TEXT\n')
    (tmp_path / "src/os/mod.rs").write_text('option_env!("DEEPER")')
    (tmp_path / "notes.txt").write_text('"IN_NOTES"')
    return tmp_path


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("NAMED", True),
        ("DEEPER", True),
        ("NOT_A_TEXT", False),
        ("IN_NOTES", False),
        ("NAME", False),
        ("GREETING", False),
        ("RUSTC_LOG", True),
        ("LD_PRELOAD", True),
        ("PATH", True),
        ("LANGUAGE", True),
        ("TMPDIR", True),
    ],
)
def test_a_variable_may_reach_std_where_a_source_or_a_tool_asks_for_it(
    name: str, *, is_read: bool, sources: Path
) -> None:
    assert (std_environment.read_by(sources, [name]) == {name}) == is_read


def test_all_that_are_asked_for_are_found_at_once(sources: Path) -> None:
    names = ("NAMED", "DEEPER", "GREETING", "CARGO_X")
    assert std_environment.read_by(sources, names) == {"NAMED", "DEEPER", "CARGO_X"}
