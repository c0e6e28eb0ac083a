"""Writes what scripts found to pages of the documentation, between two markers."""

from __future__ import annotations

from pathlib import Path

_DOCS = Path(__file__).parents[1] / "docs"
PERFORMANCE = _DOCS / "performance.md"
TERMINAL = _DOCS / "terminal.md"
_END = "<!-- end of figures -->\n"


def write(script: str, text: str, page: Path = PERFORMANCE) -> None:
    """Replace a script's previous text."""
    begin = f"<!-- figures: written by bench/{script} --markdown -->\n"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, tail = rest.partition(_END)
    page.write_text(f"{head}{begin}\n{text}\n\n{_END}{tail}", encoding="utf-8")
