"""A build that is killed right before a change to a file: python killed_build.py LOG NUMBER PLACES... -- ARGUMENTS

Each change below one of PLACES is written to LOG as a line `EVENT PATH`, before it is made; before the one with this
number, counted from 1, the process ends as by `kill -9`. With the number 0 it is never killed.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
from typing import Any

_CHANGES = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.truncate"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main() -> None:
    """Become `start.py` of the working folder."""
    separator = sys.argv.index("--")
    log, number, *places = sys.argv[1:separator]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    lock, made = threading.Lock(), 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal made
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & _WRITING):
                return
        elif event in _CHANGES:
            path = arguments[1] if event in ("os.rename", "os.link") else arguments[0]
        else:
            return
        name = os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes)) else ""  # noqa: PTH100 - a text
        if name.startswith(tuple(places)):
            with lock:
                made += 1
                os.write(descriptor, f"{event} {name}\n".encode())
                if made == int(number):
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    sys.argv = ["site_scons/ostoo_scons/start.py", *sys.argv[separator + 1 :]]
    runpy.run_path("site_scons/ostoo_scons/start.py", run_name="__main__")


main()
