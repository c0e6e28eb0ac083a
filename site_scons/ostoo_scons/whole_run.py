"""Runs SCons in this process from its start to its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ostoo_build.base import deferred
from ostoo_build.base.console import complain
from ostoo_build.base.errors import told
from ostoo_build.rebuild.process_start import run_scons

if TYPE_CHECKING:
    from ostoo_build.rebuild.process_start import ProcessStart

EXIT_CODE = 2
"""SCons' exit code of a failed build."""

_TURN = 0.0005
"""Seconds that a thread may compute while another wants to: most wait for a process or a file, and go on for short."""

ended: list[int] = []
"""The exit code, once SCons has ended: what runs in `deferred` may ask for it."""


def perform(process_start: ProcessStart, words: list[str]) -> int:
    """Run SCons with some arguments and return its exit code. What nobody waits for remains in `deferred`."""
    sys.argv[1:] = ["-Q", *words]
    sys.setswitchinterval(_TURN)
    ended[:] = [EXIT_CODE]
    try:
        code = _code(process_start)
        ended[:] = [code]
    finally:
        deferred.run()
    return code


def _code(process_start: ProcessStart) -> int:
    try:
        run_scons(process_start)
    except SystemExit as end:
        if isinstance(end.code, str):
            raise  # Python prints it
        return end.code or 0
    except KeyboardInterrupt:  # a second one, while SCons tells of the first: a terminal and a server both send it
        return EXIT_CODE
    except Exception as error:  # of SCons' own modules; SCons reports everything else
        message = told(error)
        if message is None:
            raise
        complain(message)
        return EXIT_CODE
    return 0
