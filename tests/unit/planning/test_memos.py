from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import state_file
from ostoo_build.planning.memos import KEPT, Memos

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Question(Struct, frozen=True):
    name: str


class Answer(Struct, frozen=True):
    number: int
    path: str = ""


def anything(_memo: Answer) -> bool:
    return True


def test_the_newest_answer_that_holds_serves(tmp_path: Path) -> None:
    memos, question = Memos(tmp_path), Question("plan")
    assert memos.recall(question, Answer, anything) is None
    for number in (1, 2, 3):
        memos.keep(question, Answer(number))
    assert memos.recall(question, Answer, anything) == Answer(3)
    assert memos.recall(question, Answer, lambda memo: memo.number < 3) == Answer(2)
    assert memos.recall(Question("other"), Answer, anything) is None


def test_only_the_last_few_are_kept(tmp_path: Path) -> None:
    memos, question = Memos(tmp_path), Question("plan")
    for number in range(KEPT + 2):
        memos.keep(question, Answer(number))
    seen = []
    memos.recall(question, Answer, lambda memo: bool(seen.append(memo.number)))  # type: ignore[func-returns-value]  # notes it
    assert seen == [5, 4, 3, 2]
    assert len(list(tmp_path.iterdir())) == KEPT


def test_the_same_answer_again_drives_none_out(tmp_path: Path) -> None:
    memos, question = Memos(tmp_path), Question("plan")
    for number in (1, 2, 2, 2, 2, 2):
        memos.keep(question, Answer(number))
    assert memos.recall(question, Answer, lambda memo: memo.number == 1) == Answer(1)


def test_a_damaged_answer_is_told_and_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "damaged", {})
    memos, question = Memos(tmp_path), Question("plan")
    for number in (1, 2, 3):
        memos.keep(question, Answer(number))
    newest, other, _, _ = memos.places(question)
    newest.write_bytes(state_file.sealed(json.dumps({"number": "three"}).encode()))
    other.write_bytes(b"")
    assert memos.recall(question, Answer, anything) == Answer(1)
    assert list(state_file.damaged) == [str(newest), str(other)]
    assert not newest.exists()


def test_what_cannot_be_kept_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memos = Memos(tmp_path / "file")
    memos.keep(Question("plan"), Answer(1))
    assert memos.recall(Question("plan"), Answer, anything) is None
