from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.invocation.sysroots import Sysroots
from ostoo_build.sysroot import providers

if TYPE_CHECKING:
    from pathlib import Path


def test_all_who_ask_get_the_provider_that_the_word_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Path, Path]] = []

    def choose(word: str, root: Path, rustlib: Path) -> object:
        asked.append((word, root, rustlib))
        return object()

    monkeypatch.setattr(providers, "choose", choose)
    sysroots = Sysroots(tmp_path, tmp_path / "rustlib", "dir:/musl")
    assert asked == [], "most programs want none"
    first = sysroots.provider("x")
    assert sysroots.provider("y") is first
    assert sysroots.anew("x") is not first
    assert asked == [("dir:/musl", tmp_path, tmp_path / "rustlib")] * 2


def test_a_word_that_names_none_is_told_to_each_who_wants_one(tmp_path: Path) -> None:
    sysroots = Sysroots(tmp_path, tmp_path, "no-such")
    for _ in range(2):
        with pytest.raises(OstooError, match="no-such"):
            assert sysroots.provider("x")
    with pytest.raises(OstooError, match="no-such"):
        sysroots.anew("x")
