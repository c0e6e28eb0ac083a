"""The one exception a user may see. Does not know who raises it or how it is shown."""

from __future__ import annotations

import os
import sys

_LONGEST = 1000
"""Characters of a line that are shown."""


class OstooError(Exception):
    """A mistake that the user can mend, told as what happened, where, and what to do.

    `what` is one sentence without a final full stop. `where` names a file, with a line or a JSON pointer
    where there is one. `remedy` says what to do. All three may hold several lines.
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
    (RecursionError, "", OstooError("something is nested too deep")),
    (MemoryError, "", OstooError("there is not enough memory", remedy="allow more: ulimit -v")),
    (
        RuntimeError,
        "can't start new thread",
        OstooError("no more threads can be started", remedy="allow more: ulimit -u, ulimit -v"),
    ),
    (RuntimeError, "Symlink loop", OstooError("links lead in a circle")),
    (ValueError, "embedded null", OstooError("a name holds a NUL character", remedy="take it out")),
)
"""What Python has no kind of its own for, with a part of its words."""


def told(error: BaseException) -> OstooError | None:
    """Tell what the user's machine refused in his terms; None for what only a mistake of ours can bring about."""
    if isinstance(error, OstooError):
        return error
    return _of_damage(error) or _of_machine(error)


def _of_damage(error: BaseException) -> OstooError | None:
    """What damaged packages may have brought about: what is missing, or what nobody knows."""
    place = str(getattr(error, "filename", None) or "")
    if _of_machine(error) and not place.startswith(sys.prefix):
        return None
    from ostoo_build.base import installed_packages  # noqa: PLC0415 - it is hardly ever needed

    damaged = installed_packages.damaged()
    if damaged is None:
        return None
    return OstooError(
        "a package of this build is damaged", where=str(damaged), remedy="build again: .venv is made anew then"
    )


def _of_machine(error: BaseException) -> OstooError | None:
    if isinstance(error, OSError):
        place = error.filename2 or error.filename or ""
        return OstooError(error.strerror or str(error), where=os.fsdecode(place) if not isinstance(place, int) else "")
    if isinstance(error, UnicodeEncodeError):
        return OstooError(
            f"a name is not UTF-8: {os.fsencode(error.object)!r}", remedy="rename what has it, or the folder above"
        )
    if isinstance(error, UnicodeDecodeError):
        return OstooError(f"a text is not UTF-8: {error.object[error.start :][:20]!r}", remedy="save it as UTF-8")
    for kind, said, message in _REFUSED:
        if isinstance(error, kind) and said in str(error):
            return message
    return None


def _cut(line: str) -> str:
    """A line as long as people read: a name may have any length. What can't be shown is escaped."""
    shown = line.encode("utf-8", "backslashreplace").decode()
    left_out = len(shown) - _LONGEST
    half = _LONGEST // 2
    return shown if left_out <= 0 else f"{shown[:half]}… {left_out} characters left out …{shown[-half:]}"


def _hang(text: str, indent: str) -> str:
    return text.replace("\n", "\n" + indent)
