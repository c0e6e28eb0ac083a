"""What `ostoo doctor` finds: the checks that there are, and what one says.

Uses the standard library only, as packages may be what is broken.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import NamedTuple

CHECKS = (
    *("python", "packages", "scons"),
    *("project", "environment", "locale", "file-system", "clock", "disk", "memory", "limits", "watch"),
    *("toolchain", "std-source", "lld", "linker", "targets", "workspaces", "sysroot"),
    *("cache", "cache-entries", "server", "remote-cache", "remote-executor", "sandbox", "qemu", "gdb"),
)
"""All checks, in the order in which they are made."""


class State(Enum):
    """What a check says. Only an error stops builds, or makes their results wrong."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    NOT_RUN = "could not run"


class Finding(NamedTuple):
    """The answer of a check: `value` is what there is, `problem` what is wrong, `remedy` what to do. Each may be empty.

    `problem` and `remedy` may have several lines.
    """

    check: str
    state: State
    value: str = ""
    problem: str = ""
    remedy: str = ""

    def document(self) -> dict[str, str]:
        """Return the finding for JSON."""
        return {**self._asdict(), "state": self.state.value}


def line(finding: Finding) -> bytes:
    """Return the finding as one line."""
    return json.dumps(finding.document()).encode() + b"\n"


def from_line(text: bytes) -> Finding | None:
    """Parse a line of `line`; None for anything else."""
    try:
        document = json.loads(text)
        return Finding(**{**document, "state": State(document["state"])})
    except (ValueError, TypeError, KeyError):
        return None
