from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import state_file
from ostoo_build.base.console import Report
from ostoo_build.base.errors import OstooError
from ostoo_build.invocation.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path


def checkout(root: Path) -> Checkout:
    return Checkout(root, Report(colour=False, quiet=False))


def test_who_takes_the_lock_hears_whether_another_one_was_here_since(tmp_path: Path) -> None:
    mine = checkout(tmp_path)
    assert mine.lock()
    mine.unlock()
    assert not mine.lock()
    mine.unlock()
    mine.lock_owner.write_bytes(b"1")
    assert mine.lock()
    assert mine.lock_owner.read_bytes() == str(os.getpid()).encode()
    mine.close()


def test_what_was_damaged_is_told_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "damaged", {})
    mine = checkout(tmp_path)
    mine.lock()
    state_file.found_damaged(tmp_path / "memo")
    mine.close()
    assert "memo was damaged and is recreated" in capsys.readouterr().err
    assert not state_file.damaged


@pytest.mark.parametrize("place", ["build", "build/.ostoo"])
def test_a_file_in_the_place_of_a_folder_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).touch()
    with pytest.raises(OstooError, match="not a folder") as caught:
        checkout(tmp_path).make_memos()
    assert caught.value.where == str(tmp_path / place)
