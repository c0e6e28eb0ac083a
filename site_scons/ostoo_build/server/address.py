"""Names the sockets of a checkout's servers.

A server serves the commands that would have started the same process: what the interpreter reads when it starts, and
rights and namespaces of its process, are in the socket's name. Everything else a command hands over.

This module imports nothing that Python has not already loaded: each command asks it.
"""

from __future__ import annotations

import os
import sys
from binascii import crc32

from ostoo_build.base import layout, terminal

_READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_", "GLIBC_", "MALLOC_", "TZ", "SCONS", "PROTOCOL_BUFFERS_", "HOME")
"""How variables begin that the interpreter reads when it starts, or a module when it is loaded."""

_RIGHTS = ("Uid:", "Gid:", "Groups:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:")
"""Lines of /proc/self/status (proc(5)) that a process can't change, or not back."""

_NAMESPACES = ("mnt", "net", "pid", "user", "ipc", "uts", "time", "cgroup")


_UNSERVED = frozenset({"server=off", "test", "--interactive", "--debug=pdb"})
"""Words of commands that no server carries out: they say so, or read the terminal."""


def is_wanted(words: list[str]) -> bool:
    """Whether a command may use a server, or start one. `CI` is set where nobody types the next command."""
    return (
        os.environ.get("CI", "").lower() in terminal.UNSET and _UNSERVED.isdisjoint(words) and hasattr(os, "pidfd_open")
    )


def path(root: str) -> str:
    """Return the socket's path, relative to `root`: a Unix socket's address is at most 107 bytes long.

    Raises `OSError` where the system does not tell a process' rights.
    """
    started = sorted(pair for pair in os.environ.items() if pair[0].startswith(_READ_AT_START))
    identity = (sys.version, sys.executable, root, started, _rights(), [*map(_namespace, _NAMESPACES)])
    return f"{layout.SERVERS}/{crc32(os.fsencode(repr(identity))):08x}"


def _rights() -> list[str]:
    with open("/proc/self/status", encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - no pathlib here
        return [line for line in stream if line.startswith(_RIGHTS)]


def _namespace(name: str) -> str:
    return os.readlink(f"/proc/self/ns/{name}")  # noqa: PTH115 - likewise
