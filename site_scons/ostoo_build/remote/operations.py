"""Waits for the operations of an Execution service."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.remote import results

if TYPE_CHECKING:
    from ostoo_build.remote.store import RemoteStore

_SILENCE = 5.0
"""Seconds without a message after which the service is checked."""

QUEUED = 60.0
"""Seconds in which a service must start an action if it runs no other one of ours."""

_WAITING = (api.ExecutionStage.CACHE_CHECK, api.ExecutionStage.QUEUED)


class StuckError(Exception):
    """The service accepts actions but does not start them."""


@dataclass
class Operations:
    """The operations of one service for which this invocation waits. Thread-safe."""

    service: RemoteStore
    is_stuck: bool = False
    _executing: set[grpc.Call] = field(default_factory=set)
    _last_progress: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, request: api.ExecuteRequest) -> api.Operation:
        """Execute an action and return its completed operation.

        Raises `UnavailableError` if the connection breaks, and `StuckError` if the service starts no action.
        """
        with self._lock:
            if not self._executing:
                self._last_progress = max(self._last_progress, time.monotonic())
        call = self.service.methods.execute(request, metadata=self.service.options.metadata)
        over = threading.Event()
        threading.Thread(target=self._look_after, args=(call, over), daemon=True).start()
        try:
            for operation in call:
                if operation.done:
                    finished: api.Operation = operation
                    return finished
                if _stage(operation) not in _WAITING:
                    self._begins(call)
        except grpc.RpcError as error:
            if self.is_stuck:
                raise StuckError from error
            raise self.service.circuit.failed(error) from error
        finally:
            over.set()
            self._ends(call)
        raise self.service.circuit.give_up("it ended the call without a result")

    def _begins(self, call: grpc.Call) -> None:
        with self._lock:
            self._executing.add(call)

    def _ends(self, call: grpc.Call) -> None:
        with self._lock:
            self._executing.discard(call)
            self._last_progress = time.monotonic()

    def _look_after(self, call: grpc.Call, over: threading.Event) -> None:
        """Cancel a call if the server no longer answers. Silence is no sign of that: an action may take long."""
        while not over.wait(_SILENCE):
            with self._lock:
                waited = 0.0 if self._executing else time.monotonic() - self._last_progress
                self.is_stuck = self.is_stuck or waited > QUEUED
            if self.is_stuck or not self.service.is_there():
                call.cancel()
                return


def _stage(operation: api.Operation) -> int:
    """Return the stage of an operation. If the service does not report it, the action counts as running."""
    if operation.metadata.TypeName() != api.ExecuteOperationMetadata.DESCRIPTOR.full_name:
        return api.ExecutionStage.UNKNOWN
    try:
        return results.parsed(api.ExecuteOperationMetadata, operation.metadata.value).stage
    except ValueError:
        return api.ExecutionStage.UNKNOWN
