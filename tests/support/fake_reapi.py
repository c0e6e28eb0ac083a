"""A server of the Remote Execution API in this process, over real gRPC, that can be told to misbehave."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
import zstandard

from ostoo_build.base import digest
from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHUNK = 1 << 16


@dataclass
class Hanging:
    """A fault for which methods answer much later; `over` has those for which that time came."""

    fake: FakeServer
    over: list[grpc.ServicerContext] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)

    def __call__(self, context: grpc.ServicerContext) -> None:
        self.begun.set()
        self.fake.closing.wait(60)
        self.over.append(context)


@dataclass
class FakeServer:
    """What it holds, and how it misbehaves: `faults` are called with the context before a method answers."""

    capabilities: api.ServerCapabilities = field(default_factory=api.ServerCapabilities)
    results: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Callable[[grpc.ServicerContext], None]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    distort: Callable[[bytes], bytes] = bytes
    frames: int = 1
    course: list[tuple[api.ExecutionStage.Value, float]] = field(default_factory=list)
    """An operation's stages, and for how many seconds each lasts."""
    answer: bytes = api.ExecuteResponse(message="done").SerializeToString()
    """What an operation comes to, serialized, or whatever stands in its place."""

    def start(self, credentials: grpc.ServerCredentials | None = None) -> tuple[grpc.Server, int]:
        """Serve on loopback; the port."""
        server = grpc.server(ThreadPoolExecutor(16))
        server.add_generic_rpc_handlers((_Handler(self),))
        place = "127.0.0.1:0"
        port = server.add_secure_port(place, credentials) if credentials else server.add_insecure_port(place)
        server.start()
        return server, port

    def add(self, content: bytes) -> str:
        """Hold a file; its digest."""
        name = digest.of_bytes(content)
        self.blobs[name] = content
        return name

    def GetCapabilities(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the API's names
        return self.capabilities

    def GetActionResult(self, request: Any, context: Any) -> Any:  # noqa: N802
        if request.action_digest.hash not in self.results:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such result")
        return api.ActionResult.FromString(self.results[request.action_digest.hash])

    def UpdateActionResult(self, request: Any, _context: Any) -> Any:  # noqa: N802
        for file in request.action_result.output_files:
            assert file.digest.hash in self.blobs, "a result came before its files"
        self.results[request.action_digest.hash] = request.action_result.SerializeToString(deterministic=True)
        return request.action_result

    def FindMissingBlobs(self, request: Any, _context: Any) -> Any:  # noqa: N802
        missing = [each for each in request.blob_digests if each.hash not in self.blobs]
        return api.FindMissingBlobsResponse(missing_blob_digests=missing)

    def BatchReadBlobs(self, request: Any, _context: Any) -> Any:  # noqa: N802
        response = api.BatchReadBlobsResponse.Response
        answers = []
        for wanted in request.digests:
            if wanted.hash in self.blobs:
                answers.append(response(digest=wanted, data=self.distort(self.blobs[wanted.hash])))
            else:
                answers.append(response(digest=wanted, status=api.Status(code=5)))
        return api.BatchReadBlobsResponse(responses=answers)

    def BatchUpdateBlobs(self, request: Any, _context: Any) -> Any:  # noqa: N802
        response = api.BatchUpdateBlobsResponse.Response
        for each in request.requests:
            assert self.add(each.data) == each.digest.hash
        return api.BatchUpdateBlobsResponse(responses=[response(digest=each.digest) for each in request.requests])

    def Read(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.names.append(request.resource_name)
        *_, form, sha256, _size = request.resource_name.split("/")
        if sha256 not in self.blobs:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such file")
        data = self.distort(self.blobs[sha256])
        data = b"".join(self.compress(data)) if form == "zstd" else data
        for offset in range(0, len(data), CHUNK):
            if fault := self.faults.get("chunk"):
                fault(context)
            yield api.ReadResponse()  # nothing forbids an empty message
            yield api.ReadResponse(data=data[offset : offset + CHUNK])

    def Execute(self, _request: Any, _context: Any) -> Iterator[Any]:  # noqa: N802
        for stage, seconds in self.course:
            told = api.Operation(name="operation")
            told.metadata.Pack(api.ExecuteOperationMetadata(stage=stage))
            yield told
            self.closing.wait(seconds)
        finished = api.Operation(name="operation", done=True)
        finished.response.Pack(api.ExecuteResponse())
        finished.response.value = self.answer
        yield finished

    def compress(self, data: bytes) -> Iterator[bytes]:
        """As many frames as asked for: together they are one file."""
        size = len(data) // self.frames + 1
        for offset in range(0, len(data) or 1, size):
            yield zstandard.ZstdCompressor().compress(data[offset : offset + size])

    def Write(self, requests: Iterator[Any], _context: Any) -> Any:  # noqa: N802
        data, name = b"", ""
        for request in requests:
            data, name = data + request.data, request.resource_name
        self.names.append(name)
        *_, form, sha256, _size = name.split("/")
        content = zstandard.ZstdDecompressor().decompressobj().decompress(data) if form == "zstd" else data
        assert self.add(content) == sha256
        return api.WriteResponse(committed_size=len(data))


_REQUESTS: dict[str, Any] = {
    "GetCapabilities": api.GetCapabilitiesRequest,
    "GetActionResult": api.GetActionResultRequest,
    "UpdateActionResult": api.UpdateActionResultRequest,
    "FindMissingBlobs": api.FindMissingBlobsRequest,
    "BatchReadBlobs": api.BatchReadBlobsRequest,
    "BatchUpdateBlobs": api.BatchUpdateBlobsRequest,
    "Read": api.ReadRequest,
    "Write": api.WriteRequest,
    "Execute": api.ExecuteRequest,
}


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        name = details.method.rpartition("/")[2]
        if name not in _REQUESTS:
            return None
        self.fake.metadata = {pair[0]: pair[1] for pair in details.invocation_metadata}
        make = {
            "Read": grpc.unary_stream_rpc_method_handler,
            "Execute": grpc.unary_stream_rpc_method_handler,
            "Write": grpc.stream_unary_rpc_method_handler,
        }.get(name, grpc.unary_unary_rpc_method_handler)
        return make(self._answer(name), _REQUESTS[name].FromString, lambda message: message.SerializeToString())

    def _answer(self, name: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            self.fake.calls.append(name)
            if fault := self.fake.faults.get(name):
                fault(context)
            return getattr(self.fake, name)(request, context)

        return answer
