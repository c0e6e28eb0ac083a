"""The one exception a user may see. Does not know who raises it or how it is shown."""

from __future__ import annotations


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
        lines = [f"error: {_hang(self.what, '  ')}"]
        if self.where:
            lines.append(f"  --> {_hang(self.where, '      ')}")
        if self.remedy:
            lines.append(f"  help: {_hang(self.remedy, '        ')}")
        return "\n".join(lines)


def _hang(text: str, indent: str) -> str:
    return text.replace("\n", "\n" + indent)
