"""Words for "did you mean". Does not know what is being named."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


_LONGEST = 200
"""Characters of a word that are compared: what is longer is a mistake of another kind."""


def nearest(word: str, known: Collection[str]) -> str:
    """Suggest the nearest of some names; empty where none is near."""
    near = difflib.get_close_matches(word[:_LONGEST], known, 1)
    return f"did you mean {near[0]}?" if near else ""


def one_of(word: str, known: Collection[str]) -> str:
    """Suggest the nearest of some names, or list them all."""
    listed = f"there are {', '.join(sorted(known))}" if known else "there is none at all"
    return nearest(word, known) or listed
