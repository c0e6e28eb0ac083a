from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock, Timeout

from ostoo_build.base import layout, state_file
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.invocation.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path


def checkout(root: Path) -> Checkout:
    return Checkout(root, Console(colour=False, quiet=False))


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


@pytest.mark.parametrize(("name", "what"), [("a\nb", "a line break"), ("a\udcff", "is not UTF-8")])
def test_a_checkout_whose_path_no_key_can_hold_is_refused(name: str, what: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OstooError, match=what) as caught:
        checkout(tmp_path / name).make_memos()
    assert caught.value.remedy == "rename the folder"
    assert not list((tmp_path / name).iterdir())


def test_a_build_that_was_prepared_has_the_lock_as_before(tmp_path: Path) -> None:
    prepared = checkout(tmp_path)
    assert prepared.lock(prepares=True), "nobody was here"
    prepared.unlock()
    assert not prepared.lock()
    prepared.close()


@pytest.mark.parametrize(
    ("prepares", "owner"),
    [
        (False, "the build in this checkout by process 17"),
        (True, "the build server, whose process 17 prepares the next build in this checkout"),
    ],
)
def test_the_second_build_waits_for_the_first_and_says_for_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: str, *, prepares: bool
) -> None:
    first = checkout(tmp_path)
    first.lock(prepares=prepares)
    told: list[str] = []

    def status(_console: Console, verb: str, subject: str) -> None:
        told.append(f"{verb} {subject}")
        first.close()

    monkeypatch.setattr(Console, "status", status)
    second = checkout(tmp_path)
    first.lock_owner.write_bytes(first.lock_owner.read_bytes().replace(b"%d" % os.getpid(), b"17"))
    assert second.lock(), "another one was here"
    assert told == [f"Blocking waiting for {owner}"]
    with pytest.raises(Timeout):
        FileLock(tmp_path / layout.LOCK).acquire(timeout=0)
    second.close()
    first.lock()
    assert len(told) == 1, "the second has let it go"
    first.close()


def test_what_lies_in_the_locks_place_is_put_aside(tmp_path: Path) -> None:
    mine = checkout(tmp_path)
    mine.make_memos()
    (tmp_path / layout.LOCK / "inside").mkdir(parents=True)
    assert mine.lock()
    mine.close()
