from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from filelock import Timeout

from ostoo_build.base import locks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSTEAD: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "a file": lambda path: path.write_bytes(b"text"),
    "a folder": lambda path: (path / "a/b").mkdir(parents=True),
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nowhere": lambda path: path.symlink_to("nowhere/at/all"),
}


@pytest.mark.parametrize("instead", INSTEAD)
def test_whatever_lies_in_its_place_a_lock_locks(instead: str, tmp_path: Path) -> None:
    INSTEAD[instead](tmp_path / "lock")
    with locks.of_file(tmp_path / "lock"), pytest.raises(Timeout):
        locks.of_file(tmp_path / "lock").acquire(timeout=0)
    assert (tmp_path / "lock").is_file()
