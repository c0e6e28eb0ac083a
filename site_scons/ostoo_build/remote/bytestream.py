"""Sends and receives files as google.bytestream messages, compressed or not."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

import zstandard

from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.remote.circuit_breaker import TrackedCall

MESSAGE = 1 << 18
"""Bytes in one message, far below gRPC's limit of 4 MiB: all concurrent transfers have to make progress on a slow line.
"""

_CHUNK = 1 << 20


def contents(responses: Iterable[api.ReadResponse], tracked: TrackedCall, *, compressed: bool) -> Iterator[bytes]:
    """Convert a server's responses to the bytes of a file. Raises `grpc.RpcError` and `zstandard.ZstdError`."""
    stream = _Stream(responses, tracked)
    if not compressed:
        return stream.chunks
    # a file may come as several frames, one after another
    reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", stream), read_across_frames=True)
    return iter(lambda: reader.read(_CHUNK), b"")


def messages(name: str, data: bytes, tracked: TrackedCall) -> Iterator[api.WriteRequest]:
    """Split bytes into the requests that upload them under a resource name."""
    for offset in range(0, len(data), MESSAGE):
        chunk = data[offset : offset + MESSAGE]
        is_last = offset + MESSAGE >= len(data)
        yield api.WriteRequest(resource_name=name, write_offset=offset, finish_write=is_last, data=chunk)
        tracked.progress(len(chunk))


class _Stream:
    """The non-empty chunks of a response, also readable like a file."""

    def __init__(self, responses: Iterable[api.ReadResponse], tracked: TrackedCall) -> None:
        self.chunks = self._received(responses, tracked)

    def read(self, _size: int) -> bytes:
        return next(self.chunks, b"")

    @staticmethod
    def _received(responses: Iterable[api.ReadResponse], tracked: TrackedCall) -> Iterator[bytes]:
        for response in responses:
            tracked.progress(len(response.data))
            if response.data:
                yield response.data
