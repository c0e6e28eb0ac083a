"""Defines `OstooError`, the exception that is shown to the user as one message."""

from __future__ import annotations

import errno
import os
import sys

_LONGEST = 1000
"""Maximum number of characters shown of one line."""


class OstooError(Exception):
    """An error that the user can fix: what happened, where, and how to fix it.

    `what` is a sentence without a final full stop. `where` names a file, with a line or a JSON pointer if there is
    one. `remedy` says what to do. Each may have several lines.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return "\n".join(map(_cut, self._told().split("\n")))

    def _told(self) -> str:
        lines = [f"error: {_hang(self.what, '  ')}"]
        if self.where:
            lines.append(f"  --> {_hang(self.where, '      ')}")
        if self.remedy:
            lines.append(f"  help: {_hang(self.remedy, '        ')}")
        return "\n".join(lines)


_REFUSED: tuple[tuple[type[Exception], str, OstooError], ...] = (
    (RecursionError, "", OstooError("the data is nested too deeply")),
    (MemoryError, "", OstooError("not enough memory", remedy="raise the limit: ulimit -v")),
    (
        RuntimeError,
        "can't start new thread",
        OstooError("can't start another thread", remedy="raise the limits: ulimit -u, ulimit -v"),
    ),
    (RuntimeError, "Symlink loop", OstooError("symbolic links form a loop")),
    (ValueError, "embedded null", OstooError("a name contains a NUL character", remedy="remove the character")),
)
"""Errors that Python has no exception class for, recognised by a part of their message."""

_REMEDIES = {
    errno.EACCES: "allow the user of this build to read and write it",
    errno.EROFS: "work in a folder that can be written",
    errno.ENOSPC: "free some space, and start again: nothing is lost",
    errno.EDQUOT: "free some space, and start again: nothing is lost",
    errno.EMFILE: "raise the limit: ulimit -n",
}


def told(error: BaseException) -> OstooError | None:
    """Convert an error of the user's machine to an `OstooError`; return None for an error that only a bug can cause."""
    if isinstance(error, OstooError):
        return error
    return _of_damage(error) or _of_machine(error)


def _of_damage(error: BaseException) -> OstooError | None:
    """Convert an error that a damaged Python package may have caused: a failed import, or an unknown error."""
    place = str(getattr(error, "filename", None) or "")
    if _of_machine(error) and not place.startswith(sys.prefix):
        return None
    from ostoo_build.base import installed_packages  # noqa: PLC0415 - it is hardly ever needed

    damaged = installed_packages.damaged()
    if damaged is None:
        return None
    file, remedy = damaged
    return OstooError("a Python package of this build is damaged", where=str(file), remedy=remedy)


def _of_machine(error: BaseException) -> OstooError | None:
    if isinstance(error, OSError):
        place = error.filename2 or error.filename or ""
        where = os.fsdecode(place) if not isinstance(place, int) else ""
        return OstooError(error.strerror or str(error), where=where, remedy=_REMEDIES.get(error.errno or 0, ""))
    if isinstance(error, UnicodeEncodeError):
        return OstooError(
            f"a name is not UTF-8: {os.fsencode(error.object)!r}",
            remedy="rename the file, or the folder that contains it",
        )
    if isinstance(error, UnicodeDecodeError):
        return OstooError(f"a text is not UTF-8: {error.object[error.start :][:20]!r}", remedy="save it as UTF-8")
    for kind, said, message in _REFUSED:
        if isinstance(error, kind) and said in str(error):
            return message
    return None


def _cut(line: str) -> str:
    """Shorten a line to a readable length, as a name may have any length, and escape unprintable characters."""
    shown = line.encode("utf-8", "backslashreplace").decode()
    left_out = len(shown) - _LONGEST
    half = _LONGEST // 2
    return shown if left_out <= 0 else f"{shown[:half]}… {left_out} characters left out …{shown[-half:]}"


def _hang(text: str, indent: str) -> str:
    return text.replace("\n", "\n" + indent)
