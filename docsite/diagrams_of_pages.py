"""Finds the diagrams of pages, which are written in mermaid's language, and names their pictures by what they show.

So a picture of something else is never taken, and the site needs no program that draws.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "pictures/diagrams"
"""Below docs/."""

COLOURS = ("light", "dark")
_FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def sources(markdown: str) -> list[str]:
    """Return the diagrams of a page, in mermaid's language."""
    return _FENCE.findall(markdown)


def picture(source: str, colours: str) -> str:
    """Return the name of a diagram's picture, in one of `COLOURS`."""
    return f"{hashlib.sha256(source.encode()).hexdigest()[:16]}-{colours}.svg"


def drawn(markdown: str, shown: Callable[[str, str], str]) -> str:
    """Replace each diagram by what `shown` returns for its source and the heading above it."""

    def show(found: re.Match[str]) -> str:
        above = _HEADING.findall(markdown[: found.start()])
        return shown(found[1], above[-1] if above else "")

    return _FENCE.sub(show, markdown)
