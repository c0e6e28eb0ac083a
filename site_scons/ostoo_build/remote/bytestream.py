"""Sends and receives files as google.bytestream messages, compressed or not."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast

import zstandard

from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ostoo_build.remote.circuit_breaker import Watch

MESSAGE = 1 << 18
"""Bytes in one message, far below gRPC's 4 MiB: as many as transfers at once get through the slowest line in time."""

_CHUNK = 1 << 20


def contents(responses: Iterable[api.ReadResponse], watch: Watch, *, compressed: bool) -> Iterator[bytes]:
    """Turn what a server sends into a file's bytes. Raises `grpc.RpcError` and `zstandard.ZstdError`."""
    stream = _Stream(responses, watch)
    if not compressed:
        return stream.chunks
    # a file may come as several frames, one after another
    reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", stream), read_across_frames=True)
    return iter(lambda: reader.read(_CHUNK), b"")


def messages(name: str, data: bytes, watch: Watch) -> Iterator[api.WriteRequest]:
    """Turn bytes into what a server is sent under a resource name."""
    for offset in range(0, len(data), MESSAGE):
        chunk = data[offset : offset + MESSAGE]
        is_last = offset + MESSAGE >= len(data)
        yield api.WriteRequest(resource_name=name, write_offset=offset, finish_write=is_last, data=chunk)
        watch.progress(len(chunk))


class _Stream:
    """What a server sends of a file: chunks, none of them empty, to be read as from a file too."""

    def __init__(self, responses: Iterable[api.ReadResponse], watch: Watch) -> None:
        self.chunks = self._received(responses, watch)

    def read(self, _size: int) -> bytes:
        return next(self.chunks, b"")

    @staticmethod
    def _received(responses: Iterable[api.ReadResponse], watch: Watch) -> Iterator[bytes]:
        for response in responses:
            watch.progress(len(response.data))
            if response.data:
                yield response.data
