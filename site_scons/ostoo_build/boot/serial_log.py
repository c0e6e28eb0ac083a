"""Follows a file that a guest writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re
    from pathlib import Path

_OVERLAP = 4096
"""The maximum length in bytes of a line that can be found."""


@dataclass
class GuestLog:
    """A growing file. `start` is the position behind the last line that `find` returned."""

    path: Path
    data: bytearray = field(default_factory=bytearray)
    start: int = 0
    _searched: int = 0

    def read(self) -> None:
        """Read new data. A missing file counts as empty."""
        if self.path.exists():
            with self.path.open("rb") as stream:
                stream.seek(len(self.data))
                self.data += stream.read()

    def find(self, pattern: re.Pattern[bytes]) -> tuple[bytes, re.Match[bytes]] | None:
        """Find the next complete line with `pattern`, and return the data before it and the match."""
        end = self.data.rfind(b"\n") + 1
        match = pattern.search(self.data, max(self.start, self._searched - _OVERLAP), end)
        self._searched = end
        if match is None:
            return None
        before = bytes(self.data[self.start : match.start()])
        self.start = self.data.index(b"\n", match.end()) + 1
        return before, match

    def rest(self) -> bytes:
        """Return the data behind the last line that was found, and skip it."""
        rest = bytes(self.data[self.start :])
        self.start = len(self.data)
        return rest
