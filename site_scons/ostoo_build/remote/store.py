"""Stores and fetches results and files on a server of the Remote Execution API v2, over gRPC.

Nothing that goes wrong here is an error of the build: what can't be had is missing, what can't be stored is not. Every
file is checked by sha256 and size.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import zstandard

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.base import digest
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import bytestream
from ostoo_build.remote.channel import Methods, RemoteOptions
from ostoo_build.remote.circuit_breaker import Circuit, OffError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ostoo_build.base.console import Report
    from ostoo_build.remote.circuit_breaker import Watch

_ENTRY = 100
"""Bytes of a digest in a message, generously."""

_NO_CAPABILITIES = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED)
_TRANSFERS = 8
_LEVEL = 1
_HEAVY = 1 << 25
"""Bytes of a file from which on only one is sent at a time."""


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
        try:
            found = self.content if self.path is None else self.path.read_bytes()
        except OSError as error:
            raise ChangedError from error
        if digest.of_bytes(found) != self.sha256:
            raise ChangedError
        return found


class RemoteStore:
    """One server. All its methods may be called from any thread."""

    def __init__(self, options: RemoteOptions, report: Report) -> None:
        self.options = options
        self.circuit = Circuit(options.address, report, options.token)
        self._channel = options.open()
        self.methods = Methods(self._channel)
        self._report = report
        self._keeps = options.writable
        self._pool = ThreadPoolExecutor(_TRANSFERS)
        self._heavy = threading.Lock()

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
        small, large = self._split([different[sha256] for sha256 in self.missing(list(different.values()))])
        batches = [self._pool.submit(self._write_batch, batch) for batch in small]
        singles = [self._pool.submit(self._write_one, blob) for blob in large]
        for future in [*batches, *singles]:
            future.result()

    def missing(self, blobs: Sequence[Blob]) -> set[digest.Hash]:
        """The files that the server does not have. Raises `OffError` and `RefusedError`."""
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
        """Ask for a sign of life; a server that gives none is given up."""
        request = api.GetCapabilitiesRequest(instance_name=self.options.instance)
        try:
            self._call(self.methods.capabilities, request, absent=_NO_CAPABILITIES)
        except OffError:
            return False
        return True

    def close(self) -> None:
        self._pool.shutdown()
        self._channel.close()

    @cached_property
    def _capabilities(self) -> api.CacheCapabilities:
        request = api.GetCapabilitiesRequest(instance_name=self.options.instance)
        found = self._call(self.methods.capabilities, request, absent=_NO_CAPABILITIES)
        known: api.CacheCapabilities = (found or api.ServerCapabilities()).cache_capabilities
        if known.digest_functions and api.DigestFunction.SHA256 not in known.digest_functions:
            raise self.circuit.give_up("it does not support sha256")
        return known

    def _ask_whether_it_takes_results(self) -> None:
        known = self._capabilities
        tells = known.HasField("action_cache_update_capabilities")
        if tells and not known.action_cache_update_capabilities.update_enabled:
            raise RefusedError("it allows reading only")

    @property
    def _zstd(self) -> bool:
        return api.Compressor.ZSTD in self._capabilities.supported_compressors

    def _call(self, method: Any, request: Any, **how: Any) -> Any:
        return self.circuit.call(
            lambda timeout: method.future(request, timeout=timeout, metadata=self.options.metadata), **how
        )

    def _split(self, blobs: Sequence[Blob]) -> tuple[list[list[Blob]], list[Blob]]:
        """Batches of small files, and large ones."""
        offered = self._capabilities.max_batch_total_size_bytes
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
            if self.circuit.transfer(lambda watch: self._received(blob, path, watch)) == blob.sha256:
                return []
            self.circuit.lied()
        except zstandard.ZstdError:
            self.circuit.lied()
        except (OffError, OSError):
            pass
        _remove(path)
        return [blob]

    def _received(self, blob: Blob, path: Path, watch: Watch) -> digest.Hash:
        """Write what arrives for a blob to a path; its digest."""
        hasher = hashlib.sha256()
        with path.open("wb") as stream:
            for chunk in self._chunks(blob, watch):
                hasher.update(chunk)
                stream.write(chunk)
        return hasher.hexdigest()

    def _chunks(self, blob: Blob, watch: Watch) -> Iterator[bytes]:
        """The file as it arrives; no more than its size."""
        form = "compressed-blobs/zstd" if self._zstd else "blobs"
        request = api.ReadRequest(resource_name=self._name(f"{form}/{blob.sha256}/{blob.size}"))
        left = blob.size
        call = watch.follow_transfer(self.methods.read(request, metadata=self.options.metadata))
        for chunk in bytestream.contents(call, watch, compressed=self._zstd):
            left -= len(chunk)
            if left < 0:
                call.cancel()
                self.circuit.lied()
                raise OffError
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

        def move(watch: Watch) -> Any:
            name = self._name(f"uploads/{uuid.uuid4()}/{form}/{blob.sha256}/{blob.size}")
            requests = bytestream.messages(name, compressed, watch)
            call = self.methods.write.future(requests, metadata=self.options.metadata)
            return watch.follow_transfer(call).result()

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
