"""Writes tables to docs/performance.md, between two markers."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_END = "<!-- end of figures -->\n"


def write(script: str, tables: str) -> None:
    """Replace a script's previous tables."""
    begin = f"<!-- figures: written by bench/{script} --markdown -->\n"
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, tail = rest.partition(_END)
    PAGE.write_text(f"{head}{begin}\n{tables}\n\n{_END}{tail}", encoding="utf-8")
