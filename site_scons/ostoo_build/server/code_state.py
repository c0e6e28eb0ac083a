"""Knows whether a process runs the code that is on disk."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import own_files, stamps
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Iterator


def of_python() -> Iterator[Path]:
    """Yield the files and folders that change when Python, or a package beside this build's own code, does."""
    yield from (Path(sys.executable), Path(sys.prefix, "pyvenv.cfg"), Path(sysconfig.get_path("purelib")))


class CodeState:
    """The code as it is when this is made, before most of it is loaded."""

    def __init__(self) -> None:
        self._known = _now()
        newest = max((stamps.touched_at(stamp) for stamp in self._known.all().values() if stamp), default=0)
        stamps.wait_for_tick(newest)  # else a change right now could have the same stamp
        self._known = _now()

    def holds(self) -> bool:
        """Whether the code is unchanged."""
        try:
            return self._known.change() is None
        except OSError:
            return False


def _now() -> StampSet:
    return StampSet.of([(str(folder), []) for folder in own_files.CODE], map(str, of_python()))
