"""Stores and fetches results and files on a server of the Remote Execution API v2, over gRPC.

No failure here is an error of the build: an unavailable file counts as missing, and a failed upload is skipped. Each
file is verified by sha256 and size.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import zstandard

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.base import digest
from ostoo_build.base.once import Once
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import bytestream
from ostoo_build.remote.channel import Methods, RemoteOptions
from ostoo_build.remote.circuit_breaker import CircuitBreaker, RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ostoo_build.base.console import Console
    from ostoo_build.remote.circuit_breaker import TrackedCall

_ENTRY = 100
"""An upper limit for the bytes that a digest takes in a message."""

_NO_CAPABILITIES = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED)
_TRANSFERS = 8
_LEVEL = 1
_HEAVY = 1 << 25
"""From this size in bytes, files are sent one at a time."""


class Blob(NamedTuple):
    """A file's digest, and its local path, or its content if that is in memory."""

    sha256: digest.Hash
    size: int
    path: Path | None = None
    content: bytes = b""

    @property
    def digest(self) -> api.Digest:
        return api.Digest(hash=self.sha256, size_bytes=self.size)

    def data(self) -> bytes:
        """Return the content. Raises `ChangedError` if it no longer matches the digest."""
        try:
            found = self.content if self.path is None else self.path.read_bytes()
        except OSError as error:
            raise ChangedError from error
        if digest.of_bytes(found) != self.sha256:
            raise ChangedError
        return found


class RemoteStore:
    """One server. All methods are thread-safe."""

    def __init__(self, options: RemoteOptions, console: Console) -> None:
        self.options = options
        self.circuit = CircuitBreaker(options.address, console, options.token)
        self._channel = options.open()
        self.methods = Methods(self._channel)
        self._console = console
        self._keeps = options.writable
        self._pool = ThreadPoolExecutor(_TRANSFERS)
        self._heavy = threading.Lock()
        self._capabilities = Once(self._ask_capabilities)

    def result(self, key: digest.Hash, size: int) -> bytes | None:
        """Look up an action's serialized result. `size` is the size of the action."""
        request = api.GetActionResultRequest(
            instance_name=self.options.instance,
            action_digest=api.Digest(hash=key, size_bytes=size),
            inline_stdout=True,
            inline_stderr=True,
        )
        try:
            found: bytes | None = self._call(self.methods.result, request)
        except UnavailableError:
            return None
        return found

    def read(self, wanted: Sequence[Blob]) -> list[Blob]:
        """Write files to their paths, each completely or not at all. Returns those that are not available."""
        try:
            small, large = self._split(wanted)
        except UnavailableError:
            return list(wanted)
        batches = [self._pool.submit(self._read_batch, batch) for batch in small]
        singles = [self._pool.submit(self._read_one, blob) for blob in large]
        lost = [future.result() for future in batches] + [future.result() for future in singles]
        return [blob for some in lost for blob in some]

    @property
    def takes_results(self) -> bool:
        """Whether results are stored, as far as is known."""
        return self._keeps

    def keep(self, key: digest.Hash, size: int, result: bytes, blobs: Sequence[Blob]) -> None:
        """Upload a result after its files and messages. Raises `ChangedError` if a file no longer matches its digest.

        Does nothing if the server is disabled or read-only.
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
            self._console.warn_once(f"nothing is stored in the remote cache {self.options.address}: {error}")
        except UnavailableError:
            return

    def upload(self, blobs: Sequence[Blob]) -> None:
        """Upload the files that the server lacks. Raises `UnavailableError`, `RefusedError` and `ChangedError`."""
        different = {blob.sha256: blob for blob in blobs}
        small, large = self._split([different[sha256] for sha256 in self.missing(list(different.values()))])
        batches = [self._pool.submit(self._write_batch, batch) for batch in small]
        singles = [self._pool.submit(self._write_one, blob) for blob in large]
        for future in [*batches, *singles]:
            future.result()

    def missing(self, blobs: Sequence[Blob]) -> set[digest.Hash]:
        """Return the files that the server lacks. Raises `UnavailableError` and `RefusedError`."""
        found: set[digest.Hash] = set()
        for group in _grouped(blobs, lambda _: _ENTRY, bytestream.MESSAGE):
            request = api.FindMissingBlobsRequest(
                instance_name=self.options.instance, blob_digests=[blob.digest for blob in group]
            )
            answer = self._call(self.methods.find_missing, request, writes=True)
            missing = answer.missing_blob_digests if answer else request.blob_digests
            found |= {each.hash for each in missing}
        return found

    def is_there(self) -> bool:
        """Check whether the server answers; if not, disable it."""
        request = api.GetCapabilitiesRequest(instance_name=self.options.instance)
        try:
            self._call(self.methods.capabilities, request, absent=_NO_CAPABILITIES)
        except UnavailableError:
            return False
        return True

    def close(self) -> None:
        self._pool.shutdown()
        self._channel.close()

    def _ask_capabilities(self) -> api.CacheCapabilities:
        request = api.GetCapabilitiesRequest(instance_name=self.options.instance)
        found = self._call(self.methods.capabilities, request, absent=_NO_CAPABILITIES)
        known: api.CacheCapabilities = (found or api.ServerCapabilities()).cache_capabilities
        if known.digest_functions and api.DigestFunction.SHA256 not in known.digest_functions:
            raise self.circuit.give_up("it does not support sha256")
        return known

    def _ask_whether_it_takes_results(self) -> None:
        known = self._capabilities.get()
        tells = known.HasField("action_cache_update_capabilities")
        if tells and not known.action_cache_update_capabilities.update_enabled:
            raise RefusedError("it allows reading only")

    @property
    def _zstd(self) -> bool:
        return api.Compressor.ZSTD in self._capabilities.get().supported_compressors

    def _call(self, method: Any, request: Any, **how: Any) -> Any:
        return self.circuit.call(
            lambda timeout: method.future(request, timeout=timeout, metadata=self.options.metadata), **how
        )

    def _split(self, blobs: Sequence[Blob]) -> tuple[list[list[Blob]], list[Blob]]:
        """Return batches of small files, and all large files."""
        offered = self._capabilities.get().max_batch_total_size_bytes
        most = min(bytestream.MESSAGE, offered) if offered else bytestream.MESSAGE
        small = [blob for blob in blobs if blob.size + _ENTRY <= most]
        large = [blob for blob in blobs if blob.size + _ENTRY > most]
        return list(_grouped(small, lambda blob: blob.size + _ENTRY, most)), large

    def _read_batch(self, batch: list[Blob]) -> list[Blob]:
        request = api.BatchReadBlobsRequest(
            instance_name=self.options.instance, digests=[blob.digest for blob in batch]
        )
        try:
            answer = self._call(self.methods.batch_read, request, size=_total(batch))
        except UnavailableError:
            return batch
        contents = {each.digest.hash: each.data for each in answer.responses if not each.status.code} if answer else {}
        return [blob for blob in batch if not self._put(blob, contents.get(blob.sha256))]

    def _put(self, blob: Blob, content: bytes | None) -> bool:
        if content is None or blob.path is None:
            return False
        if digest.of_bytes(content) != blob.sha256:
            self.circuit.sent_damaged()
            return False
        try:
            blob.path.write_bytes(content)
        except OSError:
            _remove(blob.path)
            return False
        return True

    def _read_one(self, blob: Blob) -> list[Blob]:
        path = blob.path
        if path is None:
            return [blob]
        try:
            if self.circuit.transfer(lambda tracked: self._received(blob, path, tracked)) == blob.sha256:
                return []
            self.circuit.sent_damaged()
        except zstandard.ZstdError:
            self.circuit.sent_damaged()
        except (UnavailableError, OSError):
            pass
        _remove(path)
        return [blob]

    def _received(self, blob: Blob, path: Path, tracked: TrackedCall) -> digest.Hash:
        """Write the received data to a path and return its digest."""
        hasher = hashlib.sha256()
        with path.open("wb") as stream:
            for chunk in self._chunks(blob, tracked):
                hasher.update(chunk)
                stream.write(chunk)
        return hasher.hexdigest()

    def _chunks(self, blob: Blob, tracked: TrackedCall) -> Iterator[bytes]:
        """Yield a file's data as it arrives. Raises `UnavailableError` if there is more than its size."""
        form = "compressed-blobs/zstd" if self._zstd else "blobs"
        request = api.ReadRequest(resource_name=self._name(f"{form}/{blob.sha256}/{blob.size}"))
        left = blob.size
        call = tracked.follow_transfer(self.methods.read(request, metadata=self.options.metadata))
        for chunk in bytestream.contents(call, tracked, compressed=self._zstd):
            left -= len(chunk)
            if left < 0:
                call.cancel()
                self.circuit.sent_damaged()
                raise UnavailableError
            yield chunk

    def _write_batch(self, batch: list[Blob]) -> None:
        requests = [api.BatchUpdateBlobsRequest.Request(digest=blob.digest, data=blob.data()) for blob in batch]
        request = api.BatchUpdateBlobsRequest(instance_name=self.options.instance, requests=requests)
        answer = self._call(self.methods.batch_update, request, size=_total(batch), writes=True)
        refused = [each.status for each in answer.responses if each.status.code] if answer else []
        if refused or not answer:
            raise RefusedError(refused[0].message if refused else "it has no such instance")

    def _write_one(self, blob: Blob) -> None:
        # files are held in memory while they are sent
        with self._heavy if blob.size > _HEAVY else contextlib.nullcontext():
            self._send(blob)

    def _send(self, blob: Blob) -> None:
        data = blob.data()
        compressed = zstandard.ZstdCompressor(level=_LEVEL).compress(data) if self._zstd else data
        form = "compressed-blobs/zstd" if self._zstd else "blobs"

        def move(tracked: TrackedCall) -> Any:
            name = self._name(f"uploads/{uuid.uuid4()}/{form}/{blob.sha256}/{blob.size}")
            requests = bytestream.messages(name, compressed, tracked)
            call = self.methods.write.future(requests, metadata=self.options.metadata)
            return tracked.follow_transfer(call).result()

        answer = self.circuit.transfer(move, writes=True)
        if answer.committed_size not in (len(compressed), blob.size, -1):
            raise RefusedError("it stored only a part of a file")

    def _name(self, rest: str) -> str:
        return f"{self.options.instance}/{rest}" if self.options.instance else rest


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _total(blobs: Sequence[Blob]) -> int:
    return sum(blob.size for blob in blobs)


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
