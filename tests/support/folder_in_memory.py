"""The folder of a test run: in memory where there is enough, as tests make and remove a million files.

A file system without a journal is slow at that: ext4 looks through all inodes that were freed in the last minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - each run has a folder of its own in it
NEEDED = 16 << 30
"""Bytes that have to be available: the tests' files, and what is left to compilers and guests."""

_PREFIX = "ostoo-tests-"


def make() -> Path | None:
    """Make a folder in memory for this process, and remove those of processes that were killed.

    Returns None if there is too little memory, or programs in it can't be run.
    """
    for left in MEMORY.glob(f"{_PREFIX}*"):
        pid = re.match(rf"{_PREFIX}(\d+)-", left.name)
        if pid and left.stat().st_uid == os.getuid() and not Path("/proc", pid[1]).exists():
            shutil.rmtree(left, ignore_errors=True)  # its processes may still be about to end
    if not MEMORY.is_dir() or min(_available(), shutil.disk_usage(MEMORY).free) < NEEDED:
        return None
    if os.statvfs(MEMORY).f_flag & (os.ST_NOEXEC | os.ST_RDONLY) or not os.access(MEMORY, os.W_OK):
        return None
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=MEMORY))


def _available() -> int:
    """Return the bytes that the kernel can give to processes without swapping: proc_meminfo(5)."""
    found = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) << 10 if found else 0
