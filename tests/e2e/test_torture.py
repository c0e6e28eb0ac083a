"""A handful of the random faults of `torture`; `python tests/e2e/torture.py SEED STEPS` goes on as long as you like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from torture import torture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.long]


@pytest.mark.parametrize("seed", [2, 6])
def test_whatever_happened_a_build_equals_a_clean_one(seed: int, tmp_path: Path, shared_cache: Path) -> None:
    subject = torture(tmp_path, shared_cache, seed)
    subject.run(steps=8)
    assert len(subject.verdicts) > 1
