"""The server's loop: it takes requests, forks a build for each, and tells commands how their builds ended.

After a build that has read its inputs the next one of the same request is prepared: forked, with everything read, so
that the next command begins with its work (`rebuild.standby`).
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING

from ostoo_build.server import adopting, memory, wire
from ostoo_build.server.handover import STALE, Handover

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.server.code_state import CodeState
    from ostoo_build.server.request import Request

_IDLE = 3600.0
"""Seconds without a request after which a server ends."""

_LOOK = 30.0
"""Seconds between two looks at memory, code and the socket."""

_RECEIVE = 5.0
"""Seconds in which a command sends its request."""

_MESSAGES = 64
"""Bytes; more than a build says."""

_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL for a build whose command is gone."""


class _Fork:
    """A forked build; `line` is our end of the socket to it."""

    def __init__(self, pid: int, line: socket.socket, request: Request) -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.line = line
        self.request = request
        self._said = b""

    def listen(self) -> bool:
        """Receive what it says; return whether it may say more."""
        try:
            more = self.line.recv(_MESSAGES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._said += more
        return bool(more)

    @property
    def has_read(self) -> bool:
        """Whether it had read everything."""
        return self._said.startswith(wire.READ)

    @property
    def description(self) -> str:
        """Say what is prepared, or is being prepared: then not everything is read."""
        self.listen()
        return f"{'prepared' if self.has_read else 'preparing'}: {' '.join(self.request.words) or 'all programs'}"

    @property
    def code(self) -> int | None:
        """The exit code that it will have; None as long as it did not say so."""
        _, said, code = self._said.partition(wire.ENDED)
        return int.from_bytes(code, sys.byteorder) if said and len(code) == wire.NUMBER else None

    def end(self) -> int:
        """Return the wait status of a process that has ended."""
        _, status = os.waitpid(self.pid, 0)
        self.listen()
        self.close()
        return status

    def close(self) -> None:
        self.line.close()
        os.close(self.pidfd)

    def kill(self) -> None:
        """End a process that prepares a build or waits."""
        os.kill(self.pid, signal.SIGKILL)
        self.end()


class _Command:
    """A command that waits at `line`; `streams` are its own."""

    def __init__(self, line: socket.socket, streams: tuple[int, ...], request: Request) -> None:
        self.line = line
        self.streams = streams
        self.request = request

    def close(self) -> None:
        self.line.close()
        for each in self.streams:
            os.close(each)


class _Job:
    """A command with the process that builds for it; `killed` is when that must end.

    `is_answered` says that the command does not wait any more.
    """

    def __init__(self, command: _Command, fork: _Fork, *, was_prepared: bool) -> None:
        self.command = command
        self.fork = fork
        self.was_prepared = was_prepared
        self.is_answered = False
        self.killed: float | None = None


class Server:
    """Serves the commands that come to `listener`, whose path is `path`.

    A server of one process ends with that: `owner` is the end of a pipe that only its owner can write to.
    """

    def __init__(self, listener: socket.socket, path: str, code: CodeState, owner: int | None = None) -> None:
        self._listener = listener
        self._path = path
        self._inode = os.stat(path).st_ino  # noqa: PTH116 - as for the check
        self._code = code
        self._owner = owner
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], Handover | None]] = {}
        self._jobs: set[_Job] = set()
        self._prepared: _Fork | None = None
        self._in_vain: Request | None = None
        self._last_used = self._looked = time.monotonic()
        self._served = 0
        self._ends = False

    def serve(self) -> Handover | None:
        """Serve until the server should end; then return None. In each forked build return its end of it.

        Raises `KeyboardInterrupt` in a forked build that got SIGINT before it began.
        """
        # a forked build keeps it until it has the command's handlers and mask
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        self._watch(self._listener.fileno(), self._accept)
        if self._owner is not None:
            self._watch(self._owner, self._lost_owner)
        while self._jobs or not self._ends:
            for descriptor, _ in self._poll.poll(self._pause()):
                handler = self._handlers.get(descriptor)  # None if one before it has ended that
                forked = handler() if handler else None
                if forked:
                    return forked
            self._look_around()
        self._drop_prepared()
        self._remove_socket()
        return None

    def _pause(self) -> float:
        """Milliseconds until something has to be looked at."""
        return 1000 * (_GRACE if any(job.killed for job in self._jobs) else _LOOK)

    def _lost_owner(self) -> None:
        self._ends = True
        if self._owner is not None:
            self._forget(self._owner)

    def _watch(self, descriptor: int, handler: Callable[[], Handover | None]) -> None:
        self._poll.register(descriptor, select.POLLIN)
        self._handlers[descriptor] = handler

    def _forget(self, descriptor: int) -> None:
        if self._handlers.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def _accept(self) -> Handover | None:
        line, _ = self._listener.accept()
        line.settimeout(_RECEIVE)
        try:
            if wire.peer(line)[1] == os.geteuid():
                return self._answer(line)
        except (OSError, ValueError, TypeError, EOFError):  # it is gone, or is no command
            pass
        line.close()
        return None

    def _answer(self, line: socket.socket) -> Handover | None:
        what, streams = wire.receive(line)
        self._last_used = time.monotonic()
        if what == wire.BUILD:
            return self._begin(_Command(line, tuple(streams), wire.receive_request(line)))
        if what in (wire.STATUS, wire.STOP):
            line.sendall(self._status().encode())
        if what == wire.STOP:
            self._ends = True
            self._remove_socket()
        line.close()
        return None

    def _status(self) -> str:
        prepared = self._prepared.description if self._prepared else "prepared: nothing"
        counts = f"builds: {len(self._jobs)} running, {self._served} done"
        return f"process {os.getpid()}, {memory.own() >> 20} MB, {counts}; {prepared}"

    def _begin(self, command: _Command) -> Handover | None:
        self._ends = self._ends or not self._code.holds()
        if self._ends or not adopting.is_possible(command.request):
            command.line.sendall(wire.REFUSED)
            command.close()
            return None
        prepared = self._take_prepared(command)
        if prepared:
            self._started(_Job(command, prepared, was_prepared=True))
            return None
        self._drop_prepared()
        return self._build_anew(command)

    def _take_prepared(self, command: _Command) -> _Fork | None:
        """Let the prepared build work for a command. Return None if there is none for such a request."""
        prepared = self._prepared
        if prepared is None or not prepared.request.is_like(command.request):
            return None
        try:
            wire.send_request(prepared.line, command.request, command.streams)
        except OSError:
            return None
        self._prepared = None
        self._forget(prepared.pidfd)
        return prepared

    def _build_anew(self, command: _Command) -> Handover | None:
        forked = self._fork(command.request, waits=False)
        if isinstance(forked, Handover):
            command.line.close()
            forked.begin(command.streams)
            return forked
        self._started(_Job(command, forked, was_prepared=False))
        return None

    def _started(self, job: _Job) -> None:
        line = job.command.line
        self._jobs.add(job)
        self._watch(job.fork.pidfd, lambda: self._ended(job))
        self._watch(job.fork.line.fileno(), lambda: self._heard(job))
        self._watch(line.fileno(), lambda: self._left(job))
        try:
            wire.send(line, wire.TAKEN, (job.fork.pidfd,))
        except OSError:
            self._left(job)

    def _left(self, job: _Job) -> None:
        """The command is gone: its build must not go on."""
        self._forget(job.command.line.fileno())
        job.killed = time.monotonic() + _GRACE
        signal.pidfd_send_signal(job.fork.pidfd, signal.SIGTERM)

    def _heard(self, job: _Job) -> None:
        """Answer the command as soon as its build knows how it ends.

        One that was prepared, and failed before it had read everything, has shown nothing: `_ended` begins anew.
        """
        goes_on = job.fork.listen()
        code = job.fork.code if job.fork.has_read or not job.was_prepared else None
        if code is not None and not job.is_answered and job.killed is None:
            self._answer_command(job, wire.ENDED + wire.number(code << 8))
        if not goes_on:
            self._forget(job.fork.line.fileno())

    def _answer_command(self, job: _Job, answer: bytes) -> None:
        self._forget(job.command.line.fileno())
        with contextlib.suppress(OSError):
            job.command.line.sendall(answer)
        job.command.close()
        job.is_answered = True

    def _ended(self, job: _Job) -> Handover | None:
        self._last_used = time.monotonic()
        self._jobs.discard(job)
        self._forget(job.fork.pidfd)
        self._forget(job.fork.line.fileno())
        status = job.fork.end()
        is_gone = job.killed is not None
        if job.was_prepared and not is_gone and not job.is_answered and _says_nothing(status, job.fork):
            self._forget(job.command.line.fileno())
            return self._build_anew(job.command)
        self._served += 1
        if not job.is_answered:
            self._answer_command(job, wire.REFUSED if _is_stale(status) else wire.ENDED + wire.number(status))
        if job.fork.has_read and not is_gone and os.WIFEXITED(status) and not self._jobs and not self._ends:
            return self._prepare(job.command.request)
        return None

    def _prepare(self, request: Request) -> Handover | None:
        self._drop_prepared()
        if self._in_vain and self._in_vain.is_like(request):
            return None
        forked = self._fork(request, waits=True)
        if isinstance(forked, Handover):
            forked.begin(())
            return forked
        self._prepared = forked
        self._watch(forked.pidfd, self._lost_prepared)
        return None

    def _lost_prepared(self) -> None:
        """It found that nothing can be prepared for this request, or read what was being changed, or was killed."""
        prepared, self._prepared = self._prepared, None
        if prepared:
            self._forget(prepared.pidfd)
            status = prepared.end()
            self._in_vain = prepared.request if _is_stale(status) else None

    def _drop_prepared(self) -> None:
        if self._prepared:
            prepared, self._prepared = self._prepared, None
            self._forget(prepared.pidfd)
            prepared.kill()

    def _fork(self, request: Request, *, waits: bool) -> _Fork | Handover:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid:
            theirs.close()
            return _Fork(pid, ours, request)
        ours.close()
        self._close_all()
        return Handover(theirs, request, waits=waits, is_watched=self._owner is not None)

    def _close_all(self) -> None:
        """In a forked build: close what is the server's, so that others see when that ends."""
        self._listener.close()
        for job in self._jobs:
            if not job.is_answered:
                job.command.close()
            job.fork.close()
        if self._prepared:
            self._prepared.close()

    def _look_around(self) -> None:
        now = time.monotonic()
        for job in self._jobs:
            if job.killed and job.killed < now:
                signal.pidfd_send_signal(job.fork.pidfd, signal.SIGKILL)
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if memory.is_short():
            self._drop_prepared()
            self._ends = True
        if now - self._last_used > _IDLE or not self._is_reachable() or not self._code.holds():
            self._ends = True

    def _is_reachable(self) -> bool:
        try:
            return os.stat(self._path).st_ino == self._inode  # noqa: PTH116 - a socket's number
        except OSError:
            return False

    def _remove_socket(self) -> None:
        if self._is_reachable():
            with contextlib.suppress(OSError):
                os.unlink(self._path)  # noqa: PTH108 - likewise


def _says_nothing(status: int, fork: _Fork) -> bool:
    """Whether a prepared build did not do the work: what it had read is out of date, or it was killed."""
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    return not fork.has_read or _is_stale(status)


def _is_stale(status: int) -> bool:
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == STALE
