"""Words for "did you mean". Does not know what is being named."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def one_of(word: str, known: Collection[str]) -> str:
    """Suggest the nearest of some names, or list them all."""
    near = difflib.get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
