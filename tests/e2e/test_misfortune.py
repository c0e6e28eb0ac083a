"""A handful of the steps of `misfortune`, which goes on as long as you like as a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import misfortune
import pytest
from trees import copy_cache

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.long]


def test_whatever_befell_a_checkout_a_build_leaves_what_a_clean_one_makes(
    tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misfortune, "OPTIONS", ((), ("-j1",)))  # for which std is there: others compile it for minutes
    std = tmp_path / "std"
    copy_cache(shared_cache, std)
    subject = misfortune.misfortune(tmp_path, std, seed=2)
    subject.run(steps=6)
    assert len(subject.verdicts) > 1
