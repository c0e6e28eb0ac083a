"""How a process that runs SCons was started, and its request. Does not read the command.

SCons passes no values to its tools, so the value is a global variable of the main module, which is SCons'.
"""

from __future__ import annotations

import runpy
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ostoo_build.rebuild.standby import Standby
    from ostoo_build.start.null_build import Question

_NAME = "OSTOO_PROCESS_START"


class ProcessStart(NamedTuple):
    """The data of the code that starts SCons. Imports no other package: if one is damaged, its user reports that.

    `started` is the time in nanoseconds since which the process reads files. `asked` is None if SCons was started
    directly or by `./ostoo watch`; then no note of a null build was checked. `standby` is None in a build without a
    server.
    """

    started: int
    asked: Question | None = None
    standby: Standby | None = None

    @property
    def waits(self) -> bool:
        """Whether the build is read now and carried out later."""
        return self.standby is not None and self.standby.waits

    @property
    def is_watched(self) -> bool:
        """Whether `./ostoo watch` asks: no null build is detected for it."""
        return self.standby is not None and self.asked is None


def run_scons(process_start: ProcessStart) -> None:
    """Run SCons with the arguments of this process. Ends with `SystemExit`."""
    runpy.run_module("SCons", init_globals={_NAME: process_start}, run_name="__main__", alter_sys=True)


def taken() -> ProcessStart:
    """Return the argument of `run_scons`. If SCons was started directly, the start is now."""
    found: ProcessStart | None = vars(sys.modules["__main__"]).get(_NAME)
    return found or ProcessStart(time.time_ns())
