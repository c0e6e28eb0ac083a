"""Says what a stream is: whether somebody sees it on a terminal, how large that is, and whether it takes colours.

It is asked when something is written, and nothing is kept: a process may serve one terminal after another. This module
imports nothing that Python has not already loaded: a build with nothing to do may have warnings to show.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as in `null_build`: loading `typing` takes long
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

_UNFORCED = ("", "0", "false")
"""Values by which a variable that forces colours says that it does not."""

_USUAL = os.terminal_size((80, 24))


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def moves_cursor(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether what was written to a stream can be overwritten."""
    return is_terminal(stream) and environ.get("TERM", "dumb") != "dumb"


def takes_colours(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether a stream takes colours, decided as cargo does (no-color.org, force-color.org, bixense.com/clicolors)."""
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in _UNFORCED for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return moves_cursor(stream, environ)


def size(stream: TextIO) -> os.terminal_size:
    """Return the present size of a stream's terminal; 80 columns and 24 rows if it does not tell."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return _USUAL
    return os.terminal_size((columns or _USUAL.columns, rows or _USUAL.lines))


def is_in_front(stream: TextIO) -> bool:
    """Whether this process may move the cursor of a stream's terminal: a job in the background may not.

    A terminal that does not control this process has no jobs of its own.
    """
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True


def without_colours(text: str) -> str:
    import re  # noqa: PLC0415 - most starts have nothing to show

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
