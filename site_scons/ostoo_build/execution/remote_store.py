"""Results and files in a store of the Remote Execution API v2, over gRPC. Does not know what they mean.

Nothing that goes wrong here is an error of the build: what can't be had is missing, what can't be stored is not. Every
file is checked by sha256 and size.
"""

from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import grpc
import zstandard

from ostoo_build import digest
from ostoo_build.execution.circuit import Circuit, OffError, RefusedError, Watch
from ostoo_build.execution.disk_cache import ChangedError
from ostoo_build.execution.remote_channel import Methods, RemoteOptions
from ostoo_build.protocol import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ostoo_build.report import Report

_BATCH = 3_500_000
"""Bytes in one message: gRPC refuses more than 4 MiB."""

_ENTRY = 100
"""Bytes of a digest in a message, generously."""

_CHUNK = 1 << 20
_TRANSFERS = 8
_LEVEL = 1


class Blob(NamedTuple):
    """A file by its digest, and where it is or shall be; its content where it is in memory."""

    sha256: digest.Hash
    size: int
    path: Path | None = None
    content: bytes = b""

    @property
    def digest(self) -> api.Digest:
        return api.Digest(hash=self.sha256, size_bytes=self.size)

    def data(self) -> bytes:
        """Read it. Raises `ChangedError` where it is not any more what its digest says."""
        found = self.content if self.path is None else self.path.read_bytes()
        if digest.of_bytes(found) != self.sha256:
            raise ChangedError
        return found


class RemoteStore:
    """One server. All its methods may be called from any thread."""

    def __init__(self, options: RemoteOptions, report: Report) -> None:
        self.options = options
        self.circuit = Circuit(options.address, report)
        self._channel = options.open()
        self.methods = Methods(self._channel)
        self._report = report
        self._keeps = options.writable
        self._pool = ThreadPoolExecutor(_TRANSFERS)

    def result(self, key: digest.Hash, size: int) -> bytes | None:
        """Look an action's serialized result up; `size` is that of the action."""
        request = api.GetActionResultRequest(
            instance_name=self.options.instance,
            action_digest=api.Digest(hash=key, size_bytes=size),
            inline_stdout=True,
            inline_stderr=True,
        )
        try:
            found: bytes | None = self._call(self.methods.result, request)
        except OffError:
            return None
        return found

    def read(self, wanted: Sequence[Blob]) -> list[Blob]:
        """Write files to their paths, each whole or not at all; those that can't be had."""
        try:
            small, large = self._split(wanted)
        except OffError:
            return list(wanted)
        batches = [self._pool.submit(self._read_batch, batch) for batch in small]
        singles = [self._pool.submit(self._read_one, blob) for blob in large]
        lost = [future.result() for future in batches] + [future.result() for future in singles]
        return [blob for some in lost for blob in some]

    def keep(self, key: digest.Hash, size: int, result: bytes, blobs: Sequence[Blob]) -> None:
        """Store a result, after its files and messages. Raises `ChangedError` where a file is not any more what it was.

        Does nothing where the server is given up, or lets us read only.
        """
        if not self._keeps:
            return
        try:
            self._ask_whether_it_takes_results()
            self.upload(blobs)
            request = api.UpdateActionResultRequest(
                instance_name=self.options.instance,
                action_digest=api.Digest(hash=key, size_bytes=size),
                action_result=api.ActionResult.FromString(result),
            )
            self._call(self.methods.update_result, request, writes=True)
        except RefusedError as error:
            self._keeps = False
            self._report.warn_once(f"nothing is stored in the remote cache {self.options.address}: {error}")
        except OffError:
            return

    def upload(self, blobs: Sequence[Blob]) -> None:
        """Send files that the server does not have. Raises `OffError`, `RefusedError` and `ChangedError`."""
        different = {blob.sha256: blob for blob in blobs}
        small, large = self._split([different[sha256] for sha256 in self._missing(list(different.values()))])
        for batch in small:
            self._write_batch(batch)
        for future in [self._pool.submit(self._write_one, blob) for blob in large]:
            future.result()

    def close(self) -> None:
        self._pool.shutdown()
        self._channel.close()

    @cached_property
    def _capabilities(self) -> api.CacheCapabilities:
        request = api.GetCapabilitiesRequest(instance_name=self.options.instance)
        found = self._call(self.methods.capabilities, request)
        known: api.CacheCapabilities = (found or api.ServerCapabilities()).cache_capabilities
        if known.digest_functions and api.DigestFunction.SHA256 not in known.digest_functions:
            raise self.circuit.give_up("it does not know sha256")
        return known

    def _ask_whether_it_takes_results(self) -> None:
        known = self._capabilities
        tells = known.HasField("action_cache_update_capabilities")
        if tells and not known.action_cache_update_capabilities.update_enabled:
            raise RefusedError("it lets us read only")

    @property
    def _zstd(self) -> bool:
        return api.Compressor.ZSTD in self._capabilities.supported_compressors

    def _call(self, method: Callable[..., Any], request: Any, *, writes: bool = False) -> Any:
        return self.circuit.call(
            lambda timeout: method(request, timeout=timeout, metadata=self.options.metadata), writes=writes
        )

    def _missing(self, blobs: Sequence[Blob]) -> set[digest.Hash]:
        found: set[digest.Hash] = set()
        for group in _grouped(blobs, lambda _: _ENTRY, _BATCH):
            request = api.FindMissingBlobsRequest(
                instance_name=self.options.instance, blob_digests=[blob.digest for blob in group]
            )
            answer = self._call(self.methods.find_missing, request, writes=True)
            found |= {missing.hash for missing in answer.missing_blob_digests} if answer else set()
        return found

    def _split(self, blobs: Sequence[Blob]) -> tuple[list[list[Blob]], list[Blob]]:
        """Batches of small files, and large ones."""
        offered = self._capabilities.max_batch_total_size_bytes
        most = min(_BATCH, offered) if offered else _BATCH
        small = [blob for blob in blobs if blob.size + _ENTRY <= most]
        large = [blob for blob in blobs if blob.size + _ENTRY > most]
        return list(_grouped(small, lambda blob: blob.size + _ENTRY, most)), large

    def _read_batch(self, batch: list[Blob]) -> list[Blob]:
        request = api.BatchReadBlobsRequest(
            instance_name=self.options.instance, digests=[blob.digest for blob in batch]
        )
        try:
            answer = self._call(self.methods.batch_read, request)
        except OffError:
            return batch
        contents = {each.digest.hash: each.data for each in answer.responses if not each.status.code} if answer else {}
        return [blob for blob in batch if not self._put(blob, contents.get(blob.sha256))]

    def _put(self, blob: Blob, content: bytes | None) -> bool:
        if content is None or blob.path is None:
            return False
        if digest.of_bytes(content) != blob.sha256:
            self.circuit.lied()
            return False
        blob.path.write_bytes(content)
        return True

    def _read_one(self, blob: Blob) -> list[Blob]:
        path = blob.path
        if path is None:
            return [blob]
        try:
            hasher = hashlib.sha256()
            with path.open("wb") as stream:
                for chunk in self._chunks(blob):
                    hasher.update(chunk)
                    stream.write(chunk)
            if hasher.hexdigest() == blob.sha256:
                return []
            self.circuit.lied()
        except OffError:
            pass
        except (grpc.RpcError, zstandard.ZstdError) as error:
            self._broken(error)
        path.unlink(missing_ok=True)
        return [blob]

    def _broken(self, error: Exception) -> None:
        if isinstance(error, grpc.RpcError):
            self.circuit.failed(error)
        else:
            self.circuit.lied()

    def _chunks(self, blob: Blob) -> Iterator[bytes]:
        """The file as it arrives; no more than its size."""
        form = "compressed-blobs/zstd" if self._zstd else "blobs"
        request = api.ReadRequest(resource_name=self._name(f"{form}/{blob.sha256}/{blob.size}"))
        left = blob.size
        with self.circuit.watch() as watch:
            call = self.methods.read(request, metadata=self.options.metadata)
            watch.cancel = call.cancel
            stream = _Stream(call, watch)
            expanded = zstandard.ZstdDecompressor().read_to_iter(cast("IO[bytes]", stream))
            for chunk in expanded if self._zstd else stream:
                left -= len(chunk)
                if left < 0:
                    call.cancel()
                    self.circuit.lied()
                    raise OffError
                yield chunk

    def _write_batch(self, batch: list[Blob]) -> None:
        requests = [api.BatchUpdateBlobsRequest.Request(digest=blob.digest, data=blob.data()) for blob in batch]
        request = api.BatchUpdateBlobsRequest(instance_name=self.options.instance, requests=requests)
        answer = self._call(self.methods.batch_update, request, writes=True)
        refused = [each.status for each in answer.responses if each.status.code] if answer else []
        if refused or not answer:
            raise RefusedError(refused[0].message if refused else "it has no such instance")

    def _write_one(self, blob: Blob) -> None:
        data = blob.data()
        compressed = zstandard.ZstdCompressor(level=_LEVEL).compress(data) if self._zstd else data
        form = "compressed-blobs/zstd" if self._zstd else "blobs"
        name = self._name(f"uploads/{uuid.uuid4()}/{form}/{blob.sha256}/{blob.size}")
        try:
            with self.circuit.watch() as watch:
                call = self.methods.write.future(_requests(name, compressed, watch), metadata=self.options.metadata)
                watch.cancel = call.cancel
                answer = call.result()
        except grpc.FutureCancelledError as error:
            raise OffError from error
        except grpc.RpcError as error:
            raise self.circuit.failed(error, writes=True) from error
        if answer.committed_size not in (len(compressed), blob.size, -1):
            raise RefusedError("it took half a file")

    def _name(self, rest: str) -> str:
        return f"{self.options.instance}/{rest}" if self.options.instance else rest


class _Stream:
    """What a server sends of a file: to be iterated, or to be read as from a file."""

    def __init__(self, responses: Iterable[api.ReadResponse], watch: Watch) -> None:
        self._responses = iter(responses)
        self._watch = watch

    def __iter__(self) -> Iterator[bytes]:
        for response in self._responses:
            self._watch.progress(len(response.data))
            yield response.data

    def read(self, _size: int) -> bytes:
        return next(iter(self), b"")


def _requests(name: str, data: bytes, watch: Watch) -> Iterator[api.WriteRequest]:
    for offset in range(0, len(data), _CHUNK):
        chunk = data[offset : offset + _CHUNK]
        is_last = offset + _CHUNK >= len(data)
        yield api.WriteRequest(resource_name=name, write_offset=offset, finish_write=is_last, data=chunk)
        watch.progress(len(chunk))


def _grouped(blobs: Sequence[Blob], weight: Callable[[Blob], int], most: int) -> Iterator[list[Blob]]:
    group: list[Blob] = []
    total = 0
    for blob in blobs:
        if group and total + weight(blob) > most:
            yield group
            group, total = [], 0
        group.append(blob)
        total += weight(blob)
    if group:
        yield group
