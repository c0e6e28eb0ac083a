"""Suggests similar names ("did you mean") in error messages."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


_LONGEST = 200
"""Maximum number of characters compared; a longer word is not a misspelling."""


def nearest(word: str, known: Collection[str]) -> str:
    """Suggest the most similar of some names; empty if none is similar."""
    near = difflib.get_close_matches(word[:_LONGEST], known, 1)
    return f"did you mean {near[0]}?" if near else ""


def one_of(word: str, known: Collection[str]) -> str:
    """Suggest the most similar of some names, or list all of them."""
    listed = f"valid names: {', '.join(sorted(known))}" if known else "no names are defined"
    return nearest(word, known) or listed
