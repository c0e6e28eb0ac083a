"""The connection to a server of the Remote Execution API v2: address, certificates, token, methods."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from ostoo_build.base.errors import OstooError
from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOOL = "ostoo-build"
_API = "/build.bazel.remote.execution.v2"
_BYTESTREAM = "/google.bytestream.ByteStream"
_SCHEMES = ("grpc", "grpcs")
_LAST_PORT = 65535


@dataclass(frozen=True)
class RemoteOptions:
    """A server's address and our credentials.

    `address` is `grpc://HOST:PORT`, or `grpcs://HOST:PORT` for TLS. Certificates and keys are PEM files.
    """

    address: str
    instance: str = ""
    certificate_authority: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    token: str = field(default="", repr=False)
    writable: bool = False

    def __post_init__(self) -> None:
        """Raise `OstooError` for an invalid address, a certificate without key, or a token that can't be sent."""
        host, _, port = self.host_and_port.rpartition(":")
        if self._scheme not in _SCHEMES or not host or not (port.isdecimal() and 0 < int(port) <= _LAST_PORT):
            raise OstooError(
                f"{self.address} is not a valid address of a remote cache",
                remedy="write grpc://HOST:PORT, or grpcs://HOST:PORT for TLS",
            )
        if (self.client_certificate is None) is not (self.client_key is None):
            # gRPC ends the whole process over one without the other
            raise OstooError(
                "a client certificate and its key must be given together",
                where=str(self.client_certificate or self.client_key),
            )
        if not (self.token.isascii() and self.token.isprintable()):
            raise OstooError("the token contains characters that can't be sent", where=self.address)
        if self.token and not self._is_encrypted and not self._is_loopback:
            raise OstooError(
                "a token must not be sent unencrypted", where=self.address, remedy=f"use grpcs://{self.host_and_port}"
            )

    @property
    def host_and_port(self) -> str:
        return self.address.partition("://")[2].rstrip("/")

    @property
    def _scheme(self) -> str:
        return self.address.partition("://")[0]

    @property
    def _is_encrypted(self) -> bool:
        return self._scheme == "grpcs"

    @property
    def _is_loopback(self) -> bool:
        host = self.host_and_port.rpartition(":")[0].strip("[]")
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def open(self) -> grpc.Channel:
        """Create the channel without connecting. Raises `OstooError` if a PEM file can't be read."""
        options = [("grpc.primary_user_agent", TOOL), ("grpc.enable_retries", 0)]
        if not self._is_encrypted:
            return grpc.insecure_channel(self.host_and_port, options=options)
        credentials = grpc.ssl_channel_credentials(
            root_certificates=_read(self.certificate_authority),
            private_key=_read(self.client_key),
            certificate_chain=_read(self.client_certificate),
        )
        return grpc.secure_channel(self.host_and_port, credentials, options=options)

    @property
    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """The headers of each call."""
        about = api.RequestMetadata(tool_details=api.ToolDetails(tool_name=TOOL)).SerializeToString()
        header = ("build.bazel.remote.execution.v2.requestmetadata-bin", about)
        return (header, ("authorization", f"Bearer {self.token}")) if self.token else (header,)


class Methods:
    """The methods of the API that this build calls. Each takes a request, `timeout=` in seconds, and `metadata=`."""

    def __init__(self, channel: grpc.Channel) -> None:
        unary = functools.partial(_method, channel.unary_unary)
        cas = f"{_API}.ContentAddressableStorage"
        self.capabilities = unary(f"{_API}.Capabilities/GetCapabilities", api.ServerCapabilities)
        # results are taken as the bytes that they are
        self.result: Callable[..., bytes] = channel.unary_unary(
            f"{_API}.ActionCache/GetActionResult", request_serializer=_serialize
        )
        self.update_result = unary(f"{_API}.ActionCache/UpdateActionResult", api.ActionResult)
        self.find_missing = unary(f"{cas}/FindMissingBlobs", api.FindMissingBlobsResponse)
        self.batch_read = unary(f"{cas}/BatchReadBlobs", api.BatchReadBlobsResponse)
        self.batch_update = unary(f"{cas}/BatchUpdateBlobs", api.BatchUpdateBlobsResponse)
        self.read = _method(channel.unary_stream, f"{_BYTESTREAM}/Read", api.ReadResponse)
        self.write: grpc.StreamUnaryMultiCallable[api.WriteRequest, api.WriteResponse] = channel.stream_unary(
            f"{_BYTESTREAM}/Write", request_serializer=_serialize, response_deserializer=api.WriteResponse.FromString
        )
        self.execute = _method(channel.unary_stream, f"{_API}.Execution/Execute", api.Operation)
        self.wait_execution = _method(channel.unary_stream, f"{_API}.Execution/WaitExecution", api.Operation)


def _method(make: Callable[..., Any], path: str, response: Any) -> Callable[..., Any]:
    found: Callable[..., Any] = make(path, request_serializer=_serialize, response_deserializer=response.FromString)
    return found


def _serialize(message: Any) -> bytes:
    content: bytes = message.SerializeToString()
    return content


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        found = path.read_bytes()
    except OSError as error:
        raise OstooError(f"can't read the certificate or key: {error.strerror}", where=str(path)) from error
    if b"-----BEGIN " not in found:
        raise OstooError("not a certificate or key in PEM format", where=str(path))
    return found
