"""How a process that runs SCons was begun, and what it was asked. Does not read the command.

Who starts SCons can hand no value to a tool of it: the value is a global of the main program, which is SCons'.
"""

from __future__ import annotations

import runpy
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ostoo_build.rebuild.standby import Standby
    from ostoo_build.start.null_build import Question

_NAME = "OSTOO_BEGUN"


class Begun(NamedTuple):
    """What who starts SCons knows. It needs no package: where one is damaged, who needs that one reports it.

    `started` is the moment in nanoseconds since when the process looks at files.

    `asked` is None where SCons was started by itself, or by `./ostoo watch`: no note of a build with nothing to do is
    asked then. `standby` is None in a build that nobody watches.
    """

    started: int
    asked: Question | None = None
    standby: Standby | None = None

    @property
    def waits(self) -> bool:
        """Whether the build is read now and carried out later."""
        return self.standby is not None and self.standby.waits


def run_scons(begun: Begun) -> None:
    """Run SCons with the arguments of this process; it ends by `SystemExit`."""
    runpy.run_module("SCons", init_globals={_NAME: begun}, run_name="__main__", alter_sys=True)


def taken() -> Begun:
    """What `run_scons` was called with; where SCons was started by itself, it is begun now."""
    found: Begun | None = vars(sys.modules["__main__"]).get(_NAME)
    return found or Begun(time.time_ns())
