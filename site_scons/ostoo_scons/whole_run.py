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


def perform(process_start: ProcessStart, words: list[str]) -> None:
    """Run SCons with some arguments. Ends with `SystemExit`."""
    sys.argv[1:] = ["-Q", *words]
    try:
        run_scons(process_start)
    except Exception as error:  # of SCons' own modules; SCons reports everything else
        message = told(error)
        if message is None:
            raise
        complain(message)
        sys.exit(EXIT_CODE)
    finally:
        deferred.run()
