"""Lets a server build for this process: hands the request over, forwards signals, and waits for the end.

This module imports little, as `address` does.
"""

from __future__ import annotations

import _socket
import os
import select
import sys

from ostoo_build.server import request, wire

TYPE_CHECKING = False
if not TYPE_CHECKING:
    import _signal as signal  # loads in a tenth of `signal`'s time
if TYPE_CHECKING:
    import signal  # noqa: TC004 - the other name of what is loaded above
    from typing import Any, NoReturn

    from ostoo_build.server.request import Request

_PATIENCE = 10.0
"""Seconds in which a server answers, also on a machine that is busy."""

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
_MOST_SIGNALS = 64


class _Signals:
    """Passes signals to this process on to another one, or keeps them until that is known.

    They arrive through a pipe (Python's documentation of `signal.set_wakeup_fd`): one that comes right before a process
    waits would else be seen after that.
    """

    def __init__(self) -> None:
        self.pidfd = -1
        self.is_received = False
        self._kept: list[int] = []
        self._before: dict[int, Any] = {}
        self._woken, self._wakes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._other_wakeup = -1

    def catch(self) -> None:
        """Begin to pass signals on, but for those that are ignored."""
        self._other_wakeup = signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        for number in _PASSED_ON:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, _nothing)

    def restore(self) -> None:
        """End it. Signals that nobody got come now."""
        for number in self._before:
            signal.signal(number, self._before[number])
        signal.set_wakeup_fd(self._other_wakeup)
        self.hear()
        for descriptor in (self._woken, self._wakes, self.pidfd):
            if descriptor >= 0:
                os.close(descriptor)
        for number in self._kept:
            os.kill(os.getpid(), number)

    def go_to(self, pidfd: int) -> None:
        """Pass signals on to the process of a pidfd."""
        if self.pidfd >= 0:
            os.close(self.pidfd)
        self.pidfd = pidfd
        while self._kept:
            self._hand_on(self._kept.pop())

    def wait_for(self, descriptor: int, patience: float | None) -> None:
        """Wait until a descriptor can be read, and pass on the signals that come. Raises `TimeoutError`."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        ready: set[int] = set()
        while descriptor not in ready:
            ready = {each for each, _ in poll.poll(patience and 1000 * patience)}
            if not ready:
                raise TimeoutError
            self.hear()

    def hear(self) -> None:
        """Pass on the signals that have come. `poll` may not tell of one that came together with something else."""
        try:
            came = os.read(self._woken, _MOST_SIGNALS)
        except BlockingIOError:
            return
        for number in came:
            self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        if number not in self._before:
            return
        self.is_received = self.is_received or number != signal.SIGTSTP
        if self.pidfd >= 0:
            self._hand_on(number)
        elif self._kept:  # a second one is meant for this process
            end_by(number)
        else:
            self._kept.append(number)

    def _hand_on(self, number: int) -> None:
        if number == signal.SIGTSTP:
            self._pause()
        else:
            self._send(number)

    def _pause(self) -> None:
        """Stop the build and this process; a shell continues this one."""
        self._send(signal.SIGSTOP)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, _nothing)
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        try:  # noqa: SIM105 - contextlib takes long to be loaded
            signal.pidfd_send_signal(self.pidfd, number)
        except OSError:  # it has ended, or has not begun
            pass


def _nothing(_number: int, _frame: object) -> None:
    """Let a signal come through the pipe alone."""


def build(path: str, wanted: Request) -> tuple[int, bool] | None:
    """Let the server at a socket build. Return the wait status, and whether a signal came; None if it did not build.

    The socket's path may be relative to the working folder.
    """
    line = _connected(path)
    if line is None:
        return None
    signals = _Signals()
    signals.catch()
    try:
        status = _status(line, wanted, signals)
    except (OSError, ValueError):
        return None
    finally:
        signals.restore()
        line.close()
    return None if status is None else (status, signals.is_received)


def _connected(path: str) -> _socket.socket | None:
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        line.settimeout(_PATIENCE)
        line.connect(path)
        if wire.peer(line)[1] == os.geteuid():
            return line
    except OSError:
        pass
    line.close()
    return None


def _status(line: _socket.socket, wanted: Request, signals: _Signals) -> int | None:
    wire.send_request(line, wanted, request.STREAMS)
    signals.wait_for(line.fileno(), _PATIENCE)
    answer, descriptors = wire.receive(line)
    while answer == wire.TAKEN:
        (pidfd,) = descriptors
        signals.go_to(pidfd)
        signals.wait_for(line.fileno(), None)
        answer, descriptors = wire.receive(line)
    if answer == wire.ENDED:
        return int.from_bytes(wire.receive_all(line, wire.NUMBER), sys.byteorder)
    if not answer and signals.pidfd >= 0:
        signals.wait_for(signals.pidfd, None)  # the server is gone, and the build goes on
    return None


def leave(status: int) -> NoReturn:
    """End this process as the one with this wait status ended."""
    if os.WIFSIGNALED(status):
        end_by(os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def end_by(number: int) -> NoReturn:
    """End this process by a signal."""
    if number != signal.SIGKILL:  # nobody may handle it
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the signal is blocked


def ask(path: str, what: bytes) -> bytes | None:
    """Send `STATUS` or `STOP` to a server, and return its answer; None if there is no server."""
    line = _connected(path)
    if line is None:
        return None
    try:
        line.sendall(what)
        found = b""
        while more := line.recv(1 << 16):
            found += more
    except OSError:
        return None
    finally:
        line.close()
    return found
