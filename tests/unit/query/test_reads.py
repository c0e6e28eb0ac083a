from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.query.changes import Change
from ostoo_build.query.reads import Reads

if TYPE_CHECKING:
    from pathlib import Path

READS = Reads(
    files=frozenset({"/os/a/src/main.rs", "/os/missing.txt"}),
    folders=frozenset({"/os/data"}),
    listed=frozenset({"/os/a/src"}),
    walked=frozenset({"/os/b"}),
)


@pytest.mark.parametrize(
    ("path", "is_entry", "reached"),
    [
        ("/os/a/src/main.rs", False, True),
        ("/os/a/src/other.rs", False, False),
        ("/os/a/src/other.rs", True, True),
        ("/os/a/src/deep/other.rs", True, False),
        ("/os/missing.txt", True, True),
        ("/os/data", False, True),
        ("/os/data/deep/x", False, True),
        ("/os/database", True, False),
        ("/os/b/deep/x", False, False),
        ("/os/b/deep/x", True, True),
        ("/os/a", False, True),
        ("/os/c", True, False),
    ],
)
def test_a_change_reaches_what_it_may_change(path: str, is_entry: bool, reached: bool) -> None:  # noqa: FBT001 - a row
    assert READS.is_reached(Change(path, is_entry)) == reached


def test_links_are_read_with_all_to_which_they_lead(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_text("")
    (tmp_path / "second").symlink_to("real")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    (tmp_path / "loop").symlink_to("loop")
    reads = Reads(files=frozenset({str(tmp_path / "first/file"), str(tmp_path / "loop/x")}))
    for name in ("first", "second", "real/file", "first/file", "loop"):
        assert reads.is_reached(Change(str(tmp_path / name), is_entry=False)), name
    assert not reads.is_reached(Change(str(tmp_path / "real/other"), is_entry=True))
