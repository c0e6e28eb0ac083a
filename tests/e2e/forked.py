"""Python programs that are started by fork from a process which has loaded SCons and the like: see `fork_server.py`."""

from __future__ import annotations

import functools
import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SERVER = Path(__file__).with_name("fork_server.py")
_READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_", "GLIBC_", "MALLOC_", "TZ", "SCONS", "PROTOCOL_BUFFERS_")
"""How variables begin that the interpreter reads, or what is loaded with it."""


class Forked(subprocess.Popen[str]):
    """A process that another one made: what `subprocess` says of its own children, this says of it."""

    def __init__(self, args: list[str], pid: int, descriptor: int, streams: tuple[int, int, int]) -> None:
        stdout, stderr, ended = streams
        self.args, self.pid, self.returncode = args, pid, None
        self.stdin = None
        self.stdout, self.stderr = open(stdout, encoding="locale"), open(stderr, encoding="locale")  # noqa: PTH123, SIM115 - descriptors
        self._ended = open(ended, "rb", buffering=0)  # noqa: PTH123, SIM115 - likewise
        self._process = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - a pidfd: no later process has it
        self._lock = threading.Lock()
        self._readers: list[_Reader] = []

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _look(self, timeout: float | None) -> int | None:
        poll = select.poll()
        poll.register(self._ended, select.POLLIN)
        if self.returncode is None and poll.poll(None if timeout is None else 1000 * timeout):
            with self._lock:
                if self.returncode is None:
                    said = self._ended.read(8)  # nothing where the server is dead: what it made dies with it
                    self.returncode = int.from_bytes(said, "little", signed=True) if said else -signal.SIGKILL
        return self.returncode

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002 - as in Popen
        assert input is None, "a build reads nothing"
        end = None if timeout is None else time.monotonic() + timeout
        if not self._readers:
            self._readers = [_Reader(stream) for stream in (self.stdout, self.stderr)]
        for reader in self._readers:
            reader.join(None if end is None else max(0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if end is None else max(0, end - time.monotonic()))
        stdout, stderr = (reader.text for reader in self._readers)
        return stdout, stderr

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            try:
                signal.pidfd_send_signal(self._process.fileno(), sig)
            except ProcessLookupError:
                return

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdout, self.stderr):
            assert stream
            stream.close()
        self.wait()


class _Reader(threading.Thread):
    """Reads a stream to its end, and closes it."""

    def __init__(self, stream: Any) -> None:
        super().__init__(daemon=True)
        self.text = ""
        self._stream = stream
        self.start()

    def run(self) -> None:
        with self._stream:
            self.text = self._stream.read()


class Server:
    """A process that starts others; it ends with us, as nobody can ask it any more."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._line, theirs = socket.socketpair()
        self._lock = threading.Lock()
        command = [sys.executable, "-S", "-P", str(SERVER), str(theirs.fileno())]
        null = subprocess.DEVNULL
        with theirs:
            self._process = subprocess.Popen(
                command, env=environment, pass_fds=[theirs.fileno()], stdin=null, stdout=null
            )

    def start(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Forked:
        stdout, stderr, ended = os.pipe(), os.pipe(), os.pipe()
        theirs = [stdout[1], stderr[1], ended[1]]
        asked = {
            "arguments": arguments,
            "folder": str(folder),
            "environment": dict(environment),
            "umask": _umask(),
        }
        text = json.dumps(asked).encode()
        with self._lock:
            socket.send_fds(self._line, [len(text).to_bytes(8, "little")], theirs)
            self._line.sendall(text)
            for descriptor in theirs:
                os.close(descriptor)
            said, descriptors, _, _ = socket.recv_fds(self._line, 8, 1)
        assert said, "the server of tests' builds has ended"
        pid, (process,) = int.from_bytes(said, "little"), descriptors
        return Forked([*arguments], pid, process, (stdout[0], stderr[0], ended[0]))

    def stop(self) -> None:
        self._line.close()
        self._process.wait()


_servers: list[Server] = []


@functools.cache
def _in_turn(read_at_start: tuple[tuple[str, str], ...]) -> Iterator[Server]:
    """Two servers, one after the other: two builds in a row have different hashes of strings, so orders of sets too."""
    pair = [Server({**os.environ, **dict(read_at_start)}) for _ in range(2)]
    _servers.extend(pair)
    return itertools.cycle(pair)


def start(arguments: Sequence[str], folder: Path) -> Forked:
    """Start `python -S -P ARGUMENTS` in a folder, with our environment; it ends with us, however we end."""
    environment = dict(os.environ)
    read_at_start = tuple(sorted(pair for pair in environment.items() if pair[0].startswith(_READ_AT_START)))
    return next(_in_turn(read_at_start)).start(arguments, folder, environment)


def stop() -> None:
    """End the servers, so that what they have used is accounted to us."""
    _in_turn.cache_clear()
    while _servers:
        _servers.pop().stop()


def _umask() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Umask:"))
    return int(line.split()[1], 8)
