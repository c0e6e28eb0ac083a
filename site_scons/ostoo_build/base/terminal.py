"""Says what a stream is: whether somebody sees it on a terminal, how large that is, and whether it takes colours.

It is asked when something is written, and nothing is kept: a process may serve one terminal after another. This module
imports nothing that Python has not already loaded: a build with nothing to do may have warnings to show.
"""

from __future__ import annotations

import os

from ostoo_build.base import streams

TYPE_CHECKING = False  # as in `null_build`: loading `typing` takes long
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

UNSET = ("", "0", "false")
"""Values by which a variable that switches something on, such as `CI` or `FORCE_COLOR`, says that it does not."""

OF_SHELLS = frozenset({"_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL", "TERM_SESSION_ID", "WINDOWID"})
"""Variables that shells and terminals change often, and that no build reads."""

_STANDARD = (0, 1, 2)

_NOBODY = b"-1"
"""Field 8 of /proc/PID/stat (proc(5)) of a process without a terminal."""

_command: int | None = None
"""The process that this one builds for, None if that is itself."""

_USUAL = os.terminal_size((80, 24))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream goes to a terminal, or will: `streams` knows what a build that waits will have."""
    try:
        descriptor = stream.fileno() if stream is not None else -1
    except (OSError, ValueError):  # it is none of the system's, or closed
        return False
    return streams.is_terminal(descriptor) if descriptor in _STANDARD else descriptor >= 0 and os.isatty(descriptor)


def moves_cursor(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether what was written to a stream can be overwritten."""
    return is_terminal(stream) and environ.get("TERM", "dumb") != "dumb"


def takes_colours(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether a stream takes colours, decided as cargo does (no-color.org, force-color.org, bixense.com/clicolors)."""
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in UNSET for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return moves_cursor(stream, environ)


def size(stream: TextIO) -> os.terminal_size:
    """Return the present size of a stream's terminal; 80 columns and 24 rows if it does not tell."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return _USUAL
    return os.terminal_size((columns or _USUAL.columns, rows or _USUAL.lines))


def work_for(process: int) -> None:
    """Set the process whose streams this one has, and which the shell moves to the background and back."""
    global _command  # noqa: PLW0603 - the streams are the process', too
    _command = process


def is_in_front(stream: TextIO) -> bool:
    """Whether this process may move the cursor of a stream's terminal: a job in the background may not.

    A terminal that does not control this process has no jobs of its own.
    """
    try:
        if _command is None:
            return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
        with open(f"/proc/{_command}/stat", "rb") as status:  # noqa: PTH123 - no pathlib here
            _, _, group, _, _, in_front, *_ = status.read().rpartition(b")")[2].split()
    except (OSError, ValueError):
        return True
    return in_front in (group, _NOBODY)


def without_colours(text: str) -> str:
    import re  # noqa: PLC0415 - most starts have nothing to show

    return re.sub(r"\x1b\[[0-9;]*m", "", text)
