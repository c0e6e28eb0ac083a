"""Starts a checkout's server."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from ostoo_build.base import layout, own_files, process
from ostoo_build.server import client, wire

if TYPE_CHECKING:
    from pathlib import Path

_BACKLOG = 16
_PRIVATE = 0o700


def start(root: Path, path: str) -> None:
    """Start the server for a socket, relative to `root`, unless one answers there. The working folder is `root`.

    Raises `OSError`, or `OstooError` if it can't be started.
    """
    if client.ask(path, wire.STATUS) is None:
        with listening(path) as listener:
            process.start_detached(command(listener, path), cwd=root, pass_fds=[listener.fileno()])


def listening(path: str) -> socket.socket:
    """Return a socket that listens at a path, which nothing else uses. Raises `OSError`."""
    os.makedirs(layout.SERVERS, _PRIVATE, exist_ok=True)  # noqa: PTH103 - relative, as the socket's path
    first = f"{path}.{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # only the user may connect
    try:
        listener.bind(first)
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    os.rename(first, path)  # noqa: PTH104 - likewise
    return listener


def command(listener: socket.socket, path: str, *owner: int) -> list[str]:
    """Return the command of a server; `owner` is the end of a pipe, if the server ends with the process behind it."""
    words = (str(listener.fileno()), path, *map(str, owner))
    return [sys.executable, "-P", str(own_files.INTERFACE / "serve.py"), *words]
