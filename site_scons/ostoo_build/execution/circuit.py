"""Keeps a bad server from costing more than a moment: retries, deadlines, and when to give it up. Sends nothing."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeVar

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.report import Report

Answer = TypeVar("Answer")

PATIENCE = 2.0
"""Seconds that a server may cost in all before it is given up."""

_FLOOR = 1 << 20
"""Bytes a second below which a transfer is no faster than a compiler."""

_QUICK = 0.25
"""Seconds in which a small call should be answered; what it takes beyond that is on the server's account."""

_LOOK = 0.1
"""Seconds from one look at a transfer to the next."""

_MOST_LIES = 3
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED)


class OffError(Exception):
    """The server was given up, or what it was asked for is not to be had from it."""


class RefusedError(OffError):
    """The server does not take what it is sent."""


@dataclass
class Circuit:
    """One server's account. `address` is how the user knows it. Thread-safe."""

    address: str
    report: Report
    is_closed: bool = True
    _spent: float = 0.0
    _lies: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, method: Callable[[float], Answer], *, writes: bool = False) -> Answer | None:
        """Make a small call, again where that may help; `method` takes the seconds it may last.

        None for what the server does not have. Raises `RefusedError` where it does not take what is written, `OffError`
        where it is not asked, now or any more.
        """
        deadline = time.monotonic() + PATIENCE
        attempt = 0
        while True:
            self._check()
            begin = time.monotonic()
            try:
                answer = method(max(deadline - begin, 0.001))
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return None
                pause = 0.05 * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, hides nothing
                if error.code() not in _PASSING or time.monotonic() + pause > deadline:
                    raise self._gave_up(error, writes=writes) from error
                time.sleep(pause)
                attempt += 1
            else:
                self._account(time.monotonic() - begin - _QUICK)
                return answer

    def watch(self) -> Watch:
        """Keep an eye on a transfer. Raises `OffError` where there shall be none."""
        self._check()
        return Watch(self)

    def failed(self, error: grpc.RpcError, *, writes: bool = False) -> OffError:
        """Say what a broken transfer means: a missing file is nobody's fault."""
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return OffError("not found")
        return self._gave_up(error, writes=writes)

    def lied(self) -> None:
        """Note an answer that can't be right; one may be bad luck."""
        with self._lock:
            self._lies += 1
        if self._lies >= _MOST_LIES:
            self.give_up("what it sends is damaged")

    def give_up(self, why: str) -> OffError:
        """Ask the server nothing more in this invocation."""
        with self._lock:
            first, self.is_closed = self.is_closed, False
        if first:
            self.report.warn_once(f"the remote cache {self.address} is off, the build goes on without: {why}")
        return OffError(why)

    def _check(self) -> None:
        if not self.is_closed:
            raise OffError

    def _account(self, excess: float) -> None:
        with self._lock:
            self._spent += max(excess, 0.0)
        if self._spent > PATIENCE:
            self.give_up("it answers too slowly")

    def _gave_up(self, error: grpc.RpcError, *, writes: bool) -> OffError:
        code = error.code()
        if code in _REFUSED:
            why = "it does not know us: look at the token or the client certificate"
            return RefusedError("it lets us read only") if writes else self.give_up(why)
        details = (error.details() or "").splitlines()
        said = f" ({details[0]})" if details else ""
        return self.give_up(f"{code.name.lower().replace('_', ' ')}{said}")


class Watch:
    """Ends a transfer that hangs, or is slower than a compiler, by `cancel`. To be used as a context."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.cancel: Callable[[], object] = lambda: None
        self.size = 0
        self._begin = self._heard = time.monotonic()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()

    def progress(self, size: int) -> None:
        """Note that so many bytes more came through."""
        self.size += size
        self._heard = time.monotonic()

    def _look(self) -> None:
        while not self._end.wait(_LOOK):
            now = time.monotonic()
            if now - self._heard > PATIENCE or now - self._begin > PATIENCE + self.size / _FLOOR:
                self.circuit.give_up("it is too slow to be of use")
            if not self.circuit.is_closed:
                self.cancel()
