"""A clock that stands still until a test lets time pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    import pytest


class Clock:
    """Takes the place of `time` in a module that only asks for `monotonic`."""

    def __init__(self) -> None:
        self.now = 1000.0

    @staticmethod
    def of(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Clock:
        """Give a module such a clock for the time of a test."""
        clock = Clock()
        monkeypatch.setattr(module, "time", clock)
        return clock

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
