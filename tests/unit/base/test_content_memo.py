from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import state_file
from ostoo_build.base.content_memo import ContentMemo

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_found_once_is_not_looked_for_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def find(question: str) -> bool:
        asked.append(question)
        return question == "a"

    for _ in range(2):
        answers = ContentMemo(tmp_path / "answers")
        assert [answers.get(each, lambda each=each: find(each)) for each in ("a", "b", "a")] == [True, False, True]  # type: ignore[misc]
        answers.save()
    assert asked == ["a", "b"]


@pytest.mark.parametrize("content", [b"junk", b"[1]", b'{"a": "yes"}', b"\xff"])
def test_what_is_no_answer_is_none(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "damaged", {})
    state_file.write(tmp_path / "answers", state_file.sealed(content))
    answers = ContentMemo(tmp_path / "answers")
    assert not answers.get("a", lambda: False)
    assert answers.get("b", lambda: True)
