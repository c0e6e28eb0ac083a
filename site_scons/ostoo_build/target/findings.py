"""Errors in a target spec, and the message that lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import json_positions
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.base.json_positions import JsonSource, Pointer


class Finding(Struct, frozen=True):
    """One error: its position, what was expected, and a remedy.

    `in_name` says that a member's name is wrong instead of its value.
    """

    pointer: Pointer
    what: str
    remedy: str = ""
    in_name: bool = False

    @property
    def key(self) -> str | None:
        """The target spec's key, None for the document as a whole."""
        return str(self.pointer[0]) if self.pointer else None


def error(findings: Sequence[Finding], source: JsonSource) -> OstooError:
    """Return an error with all findings in order. Its position is that of the first one."""
    positions = [
        source.name_position(finding.pointer) if finding.in_name else source.position(finding.pointer)
        for finding in findings
    ]
    lines = [f"the target spec {source.path.stem} can't be used"]
    for finding, (line, column) in zip(findings, positions, strict=True):
        place = " ".join(filter(None, (f"{line}:{column}", json_positions.escaped(finding.pointer))))
        lines.append(f"{place}: {finding.what}")
        lines += [f"  {line}" for line in finding.remedy.splitlines()]
    line, column = positions[0]
    return OstooError("\n".join(map(_printable, lines)), where=f"{source.path}:{line}:{column}")


def _printable(line: str) -> str:
    """Remove control characters, as names and messages may contain terminal escapes."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
