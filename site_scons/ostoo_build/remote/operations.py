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
"""Seconds after which a service is asked whether it is there."""

QUEUED = 60.0
"""Seconds in which a service that has nothing else of ours under way should start something."""

_WAITING = (api.ExecutionStage.CACHE_CHECK, api.ExecutionStage.QUEUED)


class StuckError(Exception):
    """The service takes what it is given and starts none of it."""


@dataclass
class Operations:
    """All operations of one service that this invocation waits for. Thread-safe."""

    service: RemoteStore
    is_stuck: bool = False
    _executing: set[grpc.Call] = field(default_factory=set)
    _last_progress: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, request: api.ExecuteRequest) -> api.Operation:
        """Have an action executed; the operation at its end.

        Raises `OffError` where the connection breaks, `StuckError` where nothing gets started.
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
        raise self.service.circuit.give_up("it forgot what it was asked to do")

    def _begins(self, call: grpc.Call) -> None:
        with self._lock:
            self._executing.add(call)

    def _ends(self, call: grpc.Call) -> None:
        with self._lock:
            self._executing.discard(call)
            self._last_progress = time.monotonic()

    def _look_after(self, call: grpc.Call, over: threading.Event) -> None:
        """End a call whose server does not answer any more: it may be silent for as long as an action takes."""
        while not over.wait(_SILENCE):
            with self._lock:
                waited = 0.0 if self._executing else time.monotonic() - self._last_progress
                self.is_stuck = self.is_stuck or waited > QUEUED
            if self.is_stuck or not self.service.is_there():
                call.cancel()
                return


def _stage(operation: api.Operation) -> int:
    """How far an operation is; a service that does not tell is believed to work."""
    if operation.metadata.TypeName() != api.ExecuteOperationMetadata.DESCRIPTOR.full_name:
        return api.ExecutionStage.UNKNOWN
    try:
        return results.parsed(api.ExecuteOperationMetadata, operation.metadata.value).stage
    except ValueError:
        return api.ExecutionStage.UNKNOWN
