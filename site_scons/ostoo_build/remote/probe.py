"""Makes a round trip to a server of the Remote Execution API, without retries, and says what goes wrong.

A build tells less: it stops using a bad server (`circuit_breaker`), and goes on.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote.channel import Methods
from ostoo_build.remote.circuit_breaker import presentable

if TYPE_CHECKING:
    from ostoo_build.remote.channel import RemoteOptions

_PATIENCE = 5.0
"""Time limit in seconds for each call."""

_CONTENT = 64
"""Bytes of the file that is stored."""

_REMEDIES = {
    grpc.StatusCode.UNAVAILABLE: "start it, or correct the address; grpcs:// is for TLS, grpc:// for none",
    grpc.StatusCode.DEADLINE_EXCEEDED: "start it again, or correct the address: it may be another kind of server",
    grpc.StatusCode.UNAUTHENTICATED: "correct remote_token_file=, OSTOO_REMOTE_TOKEN or the client certificate",
    grpc.StatusCode.PERMISSION_DENIED: "let the server's owner permit it, or correct the token or client certificate",
    grpc.StatusCode.UNIMPLEMENTED: "name a server of the Remote Execution API v2",
    grpc.StatusCode.NOT_FOUND: "correct remote_instance=",
    grpc.StatusCode.INVALID_ARGUMENT: "correct remote_instance=",
}


class BrokenError(OstooError):
    """The server did not do what a build asks for."""


class Trip(NamedTuple):
    """How long the calls took together, in seconds, and whether something was stored."""

    seconds: float
    is_stored: bool

    def __str__(self) -> str:
        what = "a file was stored and read" if self.is_stored else "it answers, and nothing was stored"
        return f"{what} in {1000 * self.seconds:.0f} ms"


def round_trip(options: RemoteOptions, *, stores: bool) -> Trip:
    """Ask a server for what it can do, and store a new file and read it again if `stores`.

    Raises `BrokenError`, and `OstooError` for credentials that can't be read.
    """
    channel = options.open()
    try:
        began = time.monotonic()
        calls = _Calls(options, Methods(channel))
        calls.ask_capabilities(stores=stores)
        if stores:
            calls.store()
        return Trip(time.monotonic() - began, stores)
    finally:
        channel.close()


class _Calls:
    def __init__(self, options: RemoteOptions, methods: Methods) -> None:
        self._options = options
        self._methods = methods

    def ask_capabilities(self, *, stores: bool) -> None:
        request = api.GetCapabilitiesRequest(instance_name=self._options.instance)
        known = self._call("GetCapabilities", self._methods.capabilities, request).cache_capabilities
        if known.digest_functions and api.DigestFunction.SHA256 not in known.digest_functions:
            raise BrokenError("it does not support sha256", remedy="switch it on there, or use another server")
        tells = known.HasField("action_cache_update_capabilities")
        if stores and tells and not known.action_cache_update_capabilities.update_enabled:
            raise BrokenError("it allows reading only", remedy="build without remote_upload=on")

    def store(self) -> None:
        """Store a file that nobody has, and compare what comes back."""
        content = os.urandom(_CONTENT)
        name = api.Digest(hash=digest.of_bytes(content), size_bytes=len(content))
        instance = self._options.instance
        update = api.BatchUpdateBlobsRequest(
            instance_name=instance, requests=[api.BatchUpdateBlobsRequest.Request(digest=name, data=content)]
        )
        stored = self._call("BatchUpdateBlobs", self._methods.batch_update, update)
        refused = [each.status.message for each in stored.responses if each.status.code]
        if refused:
            raise BrokenError(
                f"it does not store a file: {presentable(refused[0], self._options.token)}", remedy="see its own log"
            )
        asked = api.BatchReadBlobsRequest(instance_name=instance, digests=[name])
        answer = self._call("BatchReadBlobs", self._methods.batch_read, asked)
        if [each.data for each in answer.responses] != [content]:
            raise BrokenError("a file that was stored does not come back as it was", remedy="see its own log")

    def _call(self, what: str, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=_PATIENCE, metadata=self._options.metadata)
        except grpc.RpcError as error:
            code = error.code()
            name = code.name.lower().replace("_", " ")
            said = presentable(error.details() or "", self._options.token)
            remedy = _REMEDIES.get(code, "see its own log")
            raise BrokenError(f"{what} failed: {name}{f' ({said})' if said else ''}", remedy=remedy) from error
