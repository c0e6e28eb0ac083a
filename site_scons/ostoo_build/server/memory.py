"""Tells how much memory there is (proc(5), /proc/meminfo), and how much this process takes."""

from __future__ import annotations

import os
from pathlib import Path

_SHORT = 20
"""Memory is short if less than one part of this many is available."""


def is_short() -> bool:
    """Whether the machine is about to run out of memory; False where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    found = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return found.get("MemAvailable", 1) * _SHORT < found.get("MemTotal", 1)


def own() -> int:
    """Return the resident size of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
