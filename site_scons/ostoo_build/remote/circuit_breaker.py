"""Limits the time that a bad server can cost: retries, deadlines, and when to stop using it."""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.base.console import Console

PATIENCE = 2.0
"""The total delay in seconds that a server may cause before this build stops using it."""

QUICK = 0.25
"""Seconds in which a call should be answered. Time beyond that counts as delay."""

FLOOR = 1 << 20
"""Bytes per second, over all calls, below which a server is no faster than a compiler."""

_INTERVAL = 0.1
"""Seconds between two checks of a transfer."""

_MOST_DAMAGED = 3
_MOST_WORDS = 300
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED)


def presentable(said: str, secret: str) -> str:
    """Make a server's text safe to show: it may contain anything, even our token."""
    text = said.replace(secret, "...") if secret else said
    return "".join(filter(str.isprintable, text))[:_MOST_WORDS]


class UnavailableError(Exception):
    """The server is disabled, or does not have what was requested."""


class RefusedError(UnavailableError):
    """The server does not accept an upload."""


@dataclass
class CircuitBreaker:
    """Adds up the delays that one server causes, and disables the server at a limit. Thread-safe.

    `address` is shown to the user, `secret` never is.
    """

    address: str
    console: Console
    secret: str = field(default="", repr=False)
    spent: float = 0.0
    moved: int = 0
    heard: float = 0.0
    _damaged: int = 0
    _accounted: float = 0.0
    _off: threading.Event = field(default_factory=threading.Event)
    _calls: set[TrackedCall] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(
        self,
        start: Callable[[float], Any],
        *,
        size: int = 0,
        writes: bool = False,
        absent: tuple[grpc.StatusCode, ...] = (grpc.StatusCode.NOT_FOUND,),
    ) -> Any:
        """Make a small call that transfers `size` bytes, with retries, and return its answer.

        `start` begins the call; its argument is the time limit in seconds. Returns None if the server answers with a
        code in `absent`. Raises `RefusedError` if the server rejects an upload, and `UnavailableError` if it is or gets
        disabled.
        """
        attempt = 0
        with self.track() as call:
            while True:
                try:
                    answer = call.follow(start(call.left)).result()
                except grpc.FutureCancelledError as error:
                    raise UnavailableError from error
                except grpc.RpcError as error:
                    if error.code() in absent:
                        return None
                    self._pause(error, attempt, call.left, writes=writes)
                    attempt += 1
                else:
                    call.progress(size)
                    return answer

    def transfer(self, move: Callable[[TrackedCall], Any], *, writes: bool = False) -> Any:
        """Transfer a large file, with retries, and return the result of `move`.

        `move` makes the call and tracks it. Raises `UnavailableError` if the server does not have the file, or is or
        gets disabled.
        """
        for attempt in itertools.count():
            try:
                with self.track() as call:
                    return move(call)
            except grpc.FutureCancelledError as error:
                raise UnavailableError from error
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    raise UnavailableError from error  # a missing file is not a failure of the server
                begin = time.monotonic()
                self._pause(error, attempt, PATIENCE - self.spent, writes=writes)
                self.charge(time.monotonic() - begin)
        raise AssertionError  # there is no last attempt

    def track(self) -> TrackedCall:
        """Return a context that tracks a call. Raises `UnavailableError` if the server is disabled."""
        self._check()
        return TrackedCall(self)

    def failed(self, error: grpc.RpcError) -> UnavailableError:
        """Disable the server after an error for which a retry makes no sense."""
        return self._gave_up(error, writes=False)

    def sent_damaged(self) -> None:
        """Count an answer that is certainly wrong. A few are tolerated."""
        with self._lock:
            self._damaged += 1
        if self._damaged >= _MOST_DAMAGED:
            self.give_up("it sent damaged data")

    def give_up(self, why: str) -> UnavailableError:
        """Disable the server for this invocation, and cancel all calls."""
        with self._lock:
            first = not self._off.is_set()
            self._off.set()
            calls = list(self._calls)
        if first:
            self.console.warn_once(
                f"the remote cache {self.address} is disabled, and the build continues without it: "
                f"{presentable(why, self.secret)}"
            )
        for call in calls:
            call.cancel()
        return UnavailableError(why)

    @property
    def is_off(self) -> bool:
        return self._off.is_set()

    def enter(self, call: TrackedCall) -> None:
        """Register a call that begins."""
        with self._lock:
            self._calls.add(call)

    def leave(self, call: TrackedCall) -> None:
        """Remove a call that ended."""
        with self._lock:
            self._calls.discard(call)

    def count(self, size: int) -> None:
        """Count transferred bytes."""
        with self._lock:
            self.moved += size
            self.heard = time.monotonic()

    def charge(self, late: float) -> None:
        """Add a delay, in seconds, that ends now. Delays of several calls at the same time count once."""
        now = time.monotonic()
        with self._lock:
            excess = now - max(now - late, self._accounted)
            if excess > 0:
                self.spent += excess
                self._accounted = now
        if self.spent > PATIENCE:
            self.give_up("it is too slow")

    def _pause(self, error: grpc.RpcError, attempt: int, left: float, *, writes: bool) -> None:
        """Wait before a retry.

        Raises `UnavailableError` if none makes sense, or none is possible within `left` seconds.
        """
        pause = 0.05 * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, hides nothing
        if error.code() not in _PASSING or pause > left:
            raise self._gave_up(error, writes=writes) from error
        self._off.wait(pause)
        self._check()

    def _check(self) -> None:
        if self.is_off:
            raise UnavailableError

    def _gave_up(self, error: grpc.RpcError, *, writes: bool) -> UnavailableError:
        code = error.code()
        if code in _REFUSED:
            why = "authentication failed: check the token or the client certificate"
            return RefusedError("it allows reading only") if writes else self.give_up(why)
        details = (error.details() or "").splitlines()
        said = f" ({details[0]})" if details else ""
        return self.give_up(f"{code.name.lower().replace('_', ' ')}{said}")


class TrackedCall:
    """A call with its retries, as a context. Its delays count for the circuit breaker."""

    def __init__(self, circuit: CircuitBreaker) -> None:
        self._circuit = circuit
        self._call: Any = None
        self._begin = self._heard = self._now
        self._end = threading.Event()

    def __enter__(self) -> Self:
        self._circuit.enter(self)
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._circuit.leave(self)
        self._circuit.charge(self._late(self._begin))

    def follow(self, call: Any) -> Any:
        """Cancel this call when the server is disabled."""
        self._call = call
        if self._circuit.is_off:
            call.cancel()
        return call

    def follow_transfer(self, call: Any) -> Any:
        """Likewise, and disable the server if the call, which has no deadline, hangs or is too slow."""
        threading.Thread(target=self._check_regularly, daemon=True).start()
        return self.follow(call)

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()

    def progress(self, size: int) -> None:
        """Count transferred bytes."""
        self._circuit.count(size)
        self._circuit.charge(self._late(self._heard))
        self._heard = self._now

    @property
    def left(self) -> float:
        """Seconds that a small call may still take."""
        return max(QUICK + PATIENCE - self._circuit.spent - (time.monotonic() - self._begin.time), 0.001)

    @property
    def _now(self) -> _Moment:
        return _Moment(time.monotonic(), self._circuit.moved)

    def _late(self, since: _Moment) -> float:
        """Return the delay in seconds since a moment. Bytes of all calls count, as calls share a line."""
        now = self._now
        return now.time - since.time - QUICK - (now.moved - since.moved) / FLOOR

    def _check_regularly(self) -> None:
        while not self._end.wait(_INTERVAL):
            self._circuit.charge(self._late(self._begin))
            if time.monotonic() - max(self._heard.time, self._circuit.heard) > PATIENCE:
                self._circuit.give_up("it does not answer")


class _Moment(NamedTuple):
    time: float
    moved: int
