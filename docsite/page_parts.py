"""Writes parts of pages in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def code(text: str) -> str:
    """Return a word as code; the cell of an empty one is empty."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}" if text else ""


def plain(text: str) -> str:
    """Return a text of the code in one line; what is between backticks in it is code."""
    parts = " ".join(text.split()).split("`")
    return "`".join(part if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(text: str) -> str:
    for letter, entity in {"&": "&amp;", "<": "&lt;", "*": "&#42;", "_": "&#95;", "[": "&#91;", "|": "&#124;"}.items():
        text = text.replace(letter, entity)
    return text


def paragraphs(docstring: str) -> str:
    """Return a docstring's paragraphs."""
    return "\n\n".join(map(plain, docstring.split("\n\n")))


def block(text: str, language: str = "text") -> str:
    """Return lines of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells in Markdown; without rows it is empty."""
    made = [list(row) for row in rows]
    names = list(heads)
    lines = [names, ["---"] * len(names), *made]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if made else ""
