"""Parses and formats sizes such as "64 KiB"."""

from __future__ import annotations

from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = lazy_pattern(rf"([0-9]{{1,9}}) ?({'|'.join(_UNITS)})")


def parse(text: str) -> int:
    """Return `text`, such as "512 B", "64 KiB" or "1 MiB", in bytes. Raises `OstooError` if it is not a size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise OstooError(
            f"{text!r} is not a valid size",
            remedy=f"write a whole number and one of {', '.join(_UNITS)}, such as 64 KiB",
        )
    return int(match[1]) * _UNITS[match[2]]


def show(size: int) -> str:
    """Format a number of bytes with one decimal, in the largest unit that does not exceed it."""
    name = [unit for unit, factor in _UNITS.items() if size >= factor or unit == "B"][-1]
    return f"{size} B" if name == "B" else f"{size / _UNITS[name]:.1f} {name}"
