"""A line between a client and a server on this machine, as long and as narrow as one likes."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from dataclasses import dataclass, field
from queue import SimpleQueue


@dataclass
class Line:
    """One direction, shared by all connections: bytes a second, and seconds that each byte is on its way."""

    rate: float = math.inf
    delay: float = 0.0
    moved: int = 0
    _free: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        under_way: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        threading.Thread(target=_deliver, args=(under_way, target), daemon=True).start()
        with contextlib.suppress(OSError):  # somebody hung up
            while data := source.recv(1 << 14):
                with self._lock:
                    self.moved += len(data)
                    self._free = max(self._free, time.monotonic()) + len(data) / self.rate
                    sent = self._free
                _wait_until(sent)
                under_way.put((sent + self.delay, data))
        under_way.put((0.0, b""))


def connect(port: int, up: Line, down: Line) -> int:
    """Make a line to a port on loopback; the port to use instead."""
    entrance = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            near, _ = entrance.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=up.carry, args=(near, far), daemon=True).start()
            threading.Thread(target=down.carry, args=(far, near), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    found: int = entrance.getsockname()[1]
    return found


def _deliver(under_way: SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while (arrival := under_way.get())[1]:
            _wait_until(arrival[0])
            target.sendall(arrival[1])
        target.shutdown(socket.SHUT_WR)


def _wait_until(moment: float) -> None:
    pause = moment - time.monotonic()
    if pause > 0:
        time.sleep(pause)
