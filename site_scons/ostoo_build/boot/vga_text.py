"""Reads the text screen of a PC from its video memory."""

from __future__ import annotations

ADDRESS = 0xB8000
COLUMNS = 80
_CELL = 2
"""A cell is a character in code page 437 and its colour."""


def size(rows: int) -> int:
    """Return the size of so many rows in bytes."""
    return rows * COLUMNS * _CELL


def lines(memory: bytes) -> list[str]:
    """Return the rows without trailing blanks; unused cells count as blanks."""
    length = size(1)
    rows = (memory[start : start + length : _CELL] for start in range(0, len(memory), length))
    return [row.replace(b"\0", b" ").decode("cp437").rstrip() for row in rows]
