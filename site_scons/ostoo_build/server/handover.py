"""What a forked build has of its server: a socket, and later the streams of the command that it works for."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from ostoo_build.base import terminal
from ostoo_build.server import adopting, wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from ostoo_build.server.request import Request


STALE = 75
"""Exit code that asks for a new process which reads everything (`EX_TEMPFAIL` in sysexits.h)."""


class Handover:
    """The end of a forked build. `request` is what it builds; `waits` says that no command has come yet.

    `is_watched` says that the server belongs to a watch, which wants to know what to watch.
    """

    def __init__(self, line: socket.socket, request: Request, *, waits: bool, is_watched: bool) -> None:
        self.request = request
        self.waits = waits
        self.is_watched = is_watched
        self._line = line

    def begin(self, descriptors: Sequence[int]) -> None:
        """Become what the command would have started. Without descriptors what is said is kept for it."""
        adopting.adopt(self.request)
        kept = [os.open(os.devnull, os.O_RDONLY), os.memfd_create("stdout"), os.memfd_create("stderr")]
        adopting.take_streams(descriptors or kept, self.request)
        terminal.work_for(self.request.process)

    def tell_read(self) -> None:
        """Tell the server that everything was read. Raises `OSError` if it is gone."""
        self._line.send(wire.READ)

    def tell_ended(self, code: int) -> None:
        """Tell the server the exit code: from now on the command does not wait any more, and sees nothing."""
        descriptors = [os.open(os.devnull, os.O_RDWR) for _ in (sys.stdin, sys.stdout, sys.stderr)]
        adopting.switch(descriptors)
        with contextlib.suppress(OSError):  # the server is gone, and the command waits for the end of this process
            self._line.sendall(wire.ENDED + wire.number(code))

    def is_asked(self) -> bool:
        """Whether a command waits already, or the server is gone."""
        return bool(select.select([self._line], [], [], 0)[0])

    def wait(self) -> bool:
        """Wait for a command, and take its streams; return whether there is one. What was said goes there first.

        Raises `OSError` if the server is gone.
        """
        answer, descriptors = wire.receive(self._line)
        if not answer:
            return False
        self.request = wire.receive_request(self._line)
        terminal.work_for(self.request.process)
        said = [_said(stream) for stream in (sys.stdout, sys.stderr)]
        adopting.switch(descriptors)
        for descriptor, text in zip((1, 2), said, strict=True):
            _write(descriptor, text)
        return True


def _said(stream: TextIO) -> bytes:
    stream.flush()
    return os.pread(stream.fileno(), os.fstat(stream.fileno()).st_size, 0)


def _write(descriptor: int, text: bytes) -> None:
    with contextlib.suppress(OSError):  # the next message meets it, and tells it
        while text:
            text = text[os.write(descriptor, text) :]
