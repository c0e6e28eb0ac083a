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

    from ostoo_build.base.console import Report

PATIENCE = 2.0
"""Seconds that a server may cost in all before it is given up."""

QUICK = 0.25
"""Seconds in which a call should be answered; what it takes beyond that is on the server's account."""

FLOOR = 1 << 20
"""Bytes a second, of all calls together, below which a server is no faster than a compiler."""

_LOOK = 0.1
"""Seconds from one look at a transfer to the next."""

_MOST_LIES = 3
_MOST_WORDS = 300
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED)


class OffError(Exception):
    """The server was given up, or what it was asked for is not to be had from it."""


class RefusedError(OffError):
    """The server does not take what it is sent."""


@dataclass
class Circuit:
    """One server's account. `address` is how the user knows it, `secret` what nobody may read. Thread-safe."""

    address: str
    report: Report
    secret: str = field(default="", repr=False)
    spent: float = 0.0
    moved: int = 0
    heard: float = 0.0
    _lies: int = 0
    _accounted: float = 0.0
    _off: threading.Event = field(default_factory=threading.Event)
    _watches: set[Watch] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(
        self,
        start: Callable[[float], Any],
        *,
        size: int = 0,
        writes: bool = False,
        absent: tuple[grpc.StatusCode, ...] = (grpc.StatusCode.NOT_FOUND,),
    ) -> Any:
        """Make a small call that moves `size` bytes, again where that may help; its answer.

        `start` begins it, given the seconds it may last. None where the server says a code of `absent`. Raises
        `RefusedError` where it does not take what is written, `OffError` where it is not asked, now or any more.
        """
        attempt = 0
        with self.watch() as watch:
            while True:
                try:
                    answer = watch.follow(start(watch.left)).result()
                except grpc.FutureCancelledError as error:
                    raise OffError from error
                except grpc.RpcError as error:
                    if error.code() in absent:
                        return None
                    self._pause(error, attempt, watch.left, writes=writes)
                    attempt += 1
                else:
                    watch.progress(size)
                    return answer

    def transfer(self, move: Callable[[Watch], Any], *, writes: bool = False) -> Any:
        """Move a large file, again where that may help; what `move` returns.

        `move` makes the call and follows it. Raises `OffError` where the file is not to be had, or the server not asked
        any more.
        """
        for attempt in itertools.count():
            try:
                with self.watch() as watch:
                    return move(watch)
            except grpc.FutureCancelledError as error:
                raise OffError from error
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    raise OffError from error  # a missing file is nobody's fault
                begin = time.monotonic()
                self._pause(error, attempt, PATIENCE - self.spent, writes=writes)
                self.charge(time.monotonic() - begin)
        raise AssertionError  # there is no last attempt

    def watch(self) -> Watch:
        """Keep an eye on a call. Raises `OffError` where there shall be none."""
        self._check()
        return Watch(self)

    def failed(self, error: grpc.RpcError) -> OffError:
        """Give the server up for an error that is not worth another attempt."""
        return self._gave_up(error, writes=False)

    def lied(self) -> None:
        """Note an answer that can't be right; one may be bad luck."""
        with self._lock:
            self._lies += 1
        if self._lies >= _MOST_LIES:
            self.give_up("it sent damaged data")

    def give_up(self, why: str) -> OffError:
        """Ask the server nothing more in this invocation, and wait for none of its answers."""
        with self._lock:
            first = not self._off.is_set()
            self._off.set()
            watches = list(self._watches)
        if first:
            self.report.warn_once(
                f"the remote cache {self.address} is disabled, and the build continues without it: "
                f"{self._presentable(why)}"
            )
        for watch in watches:
            watch.cancel()
        return OffError(why)

    @property
    def is_off(self) -> bool:
        return self._off.is_set()

    def enter(self, watch: Watch) -> None:
        """Take a call into account that begins."""
        with self._lock:
            self._watches.add(watch)

    def leave(self, watch: Watch) -> None:
        """Take it out of account."""
        with self._lock:
            self._watches.discard(watch)

    def count(self, size: int) -> None:
        """Note bytes that came through."""
        with self._lock:
            self.moved += size
            self.heard = time.monotonic()

    def charge(self, late: float) -> None:
        """Charge seconds that just went by; when several calls are late at once, that counts once."""
        now = time.monotonic()
        with self._lock:
            excess = now - max(now - late, self._accounted)
            if excess > 0:
                self.spent += excess
                self._accounted = now
        if self.spent > PATIENCE:
            self.give_up("it is too slow")

    def _pause(self, error: grpc.RpcError, attempt: int, left: float, *, writes: bool) -> None:
        """Wait before another attempt. Raises `OffError` where none may help, or not within the seconds `left`."""
        pause = 0.05 * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, hides nothing
        if error.code() not in _PASSING or pause > left:
            raise self._gave_up(error, writes=writes) from error
        self._off.wait(pause)
        self._check()

    def _check(self) -> None:
        if self.is_off:
            raise OffError

    def _gave_up(self, error: grpc.RpcError, *, writes: bool) -> OffError:
        code = error.code()
        if code in _REFUSED:
            why = "authentication failed: check the token or the client certificate"
            return RefusedError("it allows reading only") if writes else self.give_up(why)
        details = (error.details() or "").splitlines()
        said = f" ({details[0]})" if details else ""
        return self.give_up(f"{code.name.lower().replace('_', ' ')}{said}")

    def _presentable(self, said: str) -> str:
        """What a server says may hold anything, our token too."""
        text = said.replace(self.secret, "...") if self.secret else said
        return "".join(filter(str.isprintable, text))[:_MOST_WORDS]


class Watch:
    """One call and its repetitions, on the server's account. To be used as a context."""

    def __init__(self, circuit: Circuit) -> None:
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
        """Cancel this call when the server is given up."""
        self._call = call
        if self._circuit.is_off:
            call.cancel()
        return call

    def follow_transfer(self, call: Any) -> Any:
        """Do so, and give the server up when the call, which has no deadline, hangs or is too slow."""
        threading.Thread(target=self._look, daemon=True).start()
        return self.follow(call)

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()

    def progress(self, size: int) -> None:
        """Note that so many bytes more came through."""
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
        """Seconds that it took too long. Calls share a line: what moves for one is why another waits."""
        now = self._now
        return now.time - since.time - QUICK - (now.moved - since.moved) / FLOOR

    def _look(self) -> None:
        while not self._end.wait(_LOOK):
            self._circuit.charge(self._late(self._begin))
            if time.monotonic() - max(self._heard.time, self._circuit.heard) > PATIENCE:
                self._circuit.give_up("it does not answer")


class _Moment(NamedTuple):
    time: float
    moved: int
