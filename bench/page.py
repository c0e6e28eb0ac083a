"""Writes what scripts found to pages of the documentation, between two markers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

_DOCS = Path(__file__).parents[1] / "docs"
PERFORMANCE = _DOCS / "performance.md"
TERMINAL = _DOCS / "terminal.md"
_END = "<!-- end of figures -->\n"


class Asked(NamedTuple):
    """The command line of a script whose contenders edit in turn."""

    rounds: int
    markdown: bool


def asked(what: str) -> Asked:
    """Parse the command line; `what` is what the script does."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--rounds", type=int, default=5, help="how often each edits (default: 5)")
    parser.add_argument("--markdown", action="store_true", help="put the table into docs/performance.md")
    found = parser.parse_args()
    return Asked(found.rounds, found.markdown)


def write(script: str, text: str, page: Path = PERFORMANCE) -> None:
    """Replace a script's previous text."""
    begin = f"<!-- figures: written by bench/{script} --markdown -->\n"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, tail = rest.partition(_END)
    page.write_text(f"{head}{begin}\n{text}\n\n{_END}{tail}", encoding="utf-8")
