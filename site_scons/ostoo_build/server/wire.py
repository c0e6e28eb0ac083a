"""The messages between a command and a server, over a stream socket.

A command sends a byte for what it wants, with its streams as ancillary data (unix(7), `SCM_RIGHTS`), and for a build
the length and content of its `Request`. The answer to `BUILD` is `TAKEN` with a pidfd of the process that builds, maybe
again for another process, and in the end `ENDED` with a wait status; or `REFUSED`. The answer to `STATUS` and `STOP`
is a text.

This module imports little, as `address` does.
"""

from __future__ import annotations

import _socket
import os
import sys

from ostoo_build.server.request import Request

BUILD, STATUS, STOP = b"b", b"s", b"e"
TAKEN, ENDED, REFUSED = b"t", b"d", b"n"
READ = b"r"
"""What a forked build tells the server when it has read everything; later it tells `ENDED` with its exit code."""

NUMBER = 8
"""Bytes of a length or a status."""

_LARGEST = 1 << 26
"""In bytes; the system hands over less to a process that it starts."""

_CHUNK = 1 << 20
_DESCRIPTOR = 4
_MOST_DESCRIPTORS = 8
_UCRED = 12
"""Size in bytes of `struct ucred`: process, user and group of a peer (unix(7), `SO_PEERCRED`)."""


def number(value: int) -> bytes:
    """Encode a length or a status."""
    return value.to_bytes(NUMBER, sys.byteorder)


def send(line: _socket.socket, content: bytes, descriptors: tuple[int, ...]) -> None:
    """Send a byte or more with some descriptors. Raises `OSError`."""
    packed = b"".join(each.to_bytes(_DESCRIPTOR, sys.byteorder) for each in descriptors)
    line.sendmsg([content[:1]], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)])
    line.sendall(content[1:])


def receive(line: _socket.socket) -> tuple[bytes, list[int]]:
    """Receive one byte, or none at the end of the stream, with the descriptors that came along. Raises `OSError`."""
    content, ancillary, _, _ = line.recvmsg(1, _socket.CMSG_SPACE(_MOST_DESCRIPTORS * _DESCRIPTOR))
    packed = b"".join(data for level, kind, data in ancillary if kind == _socket.SCM_RIGHTS)
    places = range(0, len(packed), _DESCRIPTOR)
    found = [int.from_bytes(packed[at : at + _DESCRIPTOR], sys.byteorder) for at in places]
    for each in found:
        os.set_inheritable(each, False)  # noqa: FBT003 - that is its parameter
    return content, found


def send_request(line: _socket.socket, wanted: Request, descriptors: tuple[int, ...]) -> None:
    """Send a build's request with its streams. Raises `OSError`."""
    content = wanted.to_bytes()
    send(line, BUILD + number(len(content)) + content, descriptors)


def receive_request(line: _socket.socket) -> Request:
    """Receive a request, after its first byte. Raises `OSError`, `EOFError`, `TypeError` or `ValueError`."""
    size = int.from_bytes(receive_all(line, NUMBER), sys.byteorder)
    if size > _LARGEST:
        raise ValueError(size)
    return Request.from_bytes(receive_all(line, size))


def receive_all(line: _socket.socket, size: int) -> bytes:
    """Receive some bytes; fewer at the end of the stream. Raises `OSError`."""
    found = b""
    while len(found) < size:
        more = line.recv(min(size - len(found), _CHUNK))
        if not more:
            break
        found += more
    return found


def peer(line: _socket.socket) -> tuple[int, int]:
    """Return process and user at the other end. Raises `OSError`."""
    packed = line.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _UCRED)
    return int.from_bytes(packed[:4], sys.byteorder), int.from_bytes(packed[4:8], sys.byteorder)
