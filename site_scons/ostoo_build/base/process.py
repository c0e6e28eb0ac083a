"""Starts other programs, without a shell and with an explicit environment."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, BinaryIO, TextIO, cast

from ostoo_build.base import status_block
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Completed:
    """The result of a finished process. `returncode` is negative for a signal, as in `subprocess`."""

    returncode: int
    stdout: bytes
    stderr: bytes


class StoppedError(OstooError):
    """A program was ended by `Batch.stop` or `stop_all`. It is not reported: its user knows why."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} was interrupted")


class TimeOverError(OstooError):
    """A program was ended by its time limit; `left` is its output up to then."""

    def __init__(self, what: str, where: str, left: Completed) -> None:
        super().__init__(what, where=where)
        self.left = left


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float | None = None,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run `argv` to its end and return its output and exit code.

    `argv[0]` is a path, or a name that is looked up in `env["PATH"]`. `timeout` is in seconds. The process gets its
    own process group, which is killed if this call is left early; on Linux it dies with the calling thread. Raises
    `OstooError` if the program can't be started, `TimeOverError` if it exceeds the timeout.
    """
    with _started(argv, cwd, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=pass_fds) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            left = _kill_group(process)
            raise TimeOverError(f"{argv[0]} timed out after {timeout} s", str(cwd), left) from error
    return Completed(process.returncode, stdout, stderr)


def run_streaming(
    argv: Sequence[str], on_line: Callable[[bytes], None], *, cwd: Path, env: Mapping[str, str], pass_fds: Sequence[int]
) -> Completed:
    """Run `argv` as `run` does, and call `on_line` with each line of its stderr as soon as it is written."""
    lines = []
    with (
        tempfile.TemporaryFile() as stdout,
        _started(argv, cwd, env, stdout=stdout, stderr=subprocess.PIPE, pass_fds=pass_fds) as process,
    ):
        for line in cast("IO[bytes]", process.stderr):
            lines.append(line)
            on_line(line)
        returncode = process.wait()
        stdout.seek(0)
        return Completed(returncode, stdout.read(), b"".join(lines))


def run_inherited(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: TextIO | None, timeout: float | None = None
) -> int:
    """Run `argv` with this process' terminal and return its exit code, negative for a signal.

    Its stdout goes to `stdout` if that is given. Raises `OstooError` if it can't be started, `TimeOverError` if it
    exceeds the timeout.
    """
    try:
        with status_block.away():
            return subprocess.call(list(argv), cwd=cwd, env=dict(env), stdout=stdout, timeout=timeout)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired as error:
        left = Completed(-signal.SIGKILL, b"", b"")
        raise TimeOverError(f"{argv[0]} timed out after {timeout} s", str(cwd), left) from error
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}", where=str(cwd)) from error


ChildProcess = subprocess.Popen[bytes]
"""A child process that this one does not wait for at once."""


def spawn(argv: Sequence[str], *, cwd: Path, pass_fds: Sequence[int] = ()) -> ChildProcess:
    """Start `argv` with this process' terminal and environment, without waiting for it.

    Raises `OstooError` if it can't be started.
    """
    try:
        return subprocess.Popen(list(argv), cwd=cwd, pass_fds=pass_fds)  # noqa: S603 - argv is a list, no shell sees it
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}", where=str(cwd)) from error


def start_detached(argv: Sequence[str], *, cwd: Path, pass_fds: Sequence[int]) -> None:
    """Start `argv` in a session of its own, with this process' environment, and forget it. It has no streams.

    Raises `OstooError` if it can't be started.
    """
    try:
        subprocess.Popen(  # noqa: S603 - argv is a list, no shell sees it
            list(argv),
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode = 0  # nobody waits for it
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}", where=str(cwd)) from error


def spawn_logged(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: BinaryIO, pass_fds: Sequence[int]
) -> ChildProcess:
    """Start `argv` in the background, with stdout and stderr written to `output`.

    On Linux it dies with this thread. Raises `OstooError` if it can't be started.
    """
    return _start(argv, cwd, env, stdout=output, stderr=output, pass_fds=pass_fds)


def terminate(program: ChildProcess, patience: float) -> None:
    """Terminate a process, and kill it if it still runs after `patience` seconds."""
    program.terminate()
    try:
        program.wait(patience)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def copy_output(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], sink: BinaryIO, limit: int) -> None:
    """Run `argv` to its end and copy its stdout to `sink`, for output that is too large for memory.

    Raises `OstooError` if the program can't be started, fails, or writes more than `limit` bytes.
    """
    with (
        tempfile.TemporaryFile() as complaints,
        _started(argv, cwd, env, stdout=subprocess.PIPE, stderr=complaints, pass_fds=()) as process,
    ):
        _copy(cast("IO[bytes]", process.stdout), sink, limit, argv[0])
        returncode = process.wait()
        complaints.seek(0)
        if returncode != 0:
            said = complaints.read().decode(errors="replace").strip()
            raise OstooError(f"{argv[0]} failed:\n{said}", where=" ".join(argv))


def _copy(source: IO[bytes], sink: BinaryIO, limit: int, name: str) -> None:
    while chunk := source.read(_CHUNK):
        limit -= len(chunk)
        if limit < 0:
            raise OstooError(f"{name} writes more output than allowed")
        sink.write(chunk)


class Batch:
    """The processes that a thread starts and waits for within `with batch:`, which another thread can end together."""

    def __init__(self) -> None:
        self.running: set[ChildProcess] = set()
        self.is_stopped = False
        self._outer: Batch | None = None

    def __enter__(self) -> None:
        self._outer = _of_this_thread()
        _thread.batch = self

    def __exit__(self, *_error: object) -> None:
        _thread.batch = self._outer

    def stop(self) -> None:
        """Kill the processes that run, and refuse to start others.

        The waiting threads get `StoppedError`. This call does not wait.
        """
        self.is_stopped = True
        for process in tuple(self.running):
            _signal_group(process)


_thread = threading.local()

_all = Batch()
"""Contains the processes of the other batches too."""


def following() -> Callable[[], None]:
    """Return what another thread calls first, so that its processes are ended with those of this thread."""
    batch = _of_this_thread()

    def follow() -> None:
        _thread.batch = batch

    return follow


def stop_all() -> None:
    """End all processes that a thread waits for, as `Batch.stop` does."""
    _all.stop()


def _of_this_thread() -> Batch | None:
    return getattr(_thread, "batch", None)


@contextlib.contextmanager
def _started(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    pass_fds: Sequence[int],
) -> Iterator[ChildProcess]:
    """Start `argv` as a context manager; the process has ended when the context is left."""
    own = _of_this_thread()
    batches = (_all, own) if own else (_all,)
    if _is_stopped(batches):
        raise StoppedError(argv[0])
    process = _start(argv, cwd, env, stdout=stdout, stderr=stderr, pass_fds=pass_fds)
    for batch in batches:
        batch.running.add(process)
    try:
        if _is_stopped(batches):  # it was started while that was decided
            _signal_group(process)
        yield process
        process.wait()
    except Exception as error:
        if _was_stopped(process, batches):
            raise StoppedError(argv[0]) from error
        raise
    finally:
        _leave(process, batches)
    if _was_stopped(process, batches):
        raise StoppedError(argv[0])


def _leave(process: ChildProcess, batches: Sequence[Batch]) -> None:
    """Let nothing of a process remain."""
    for batch in batches:
        batch.running.discard(process)
    if process.returncode is None:
        _kill_group(process)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _is_stopped(batches: Sequence[Batch]) -> bool:
    return any(batch.is_stopped for batch in batches)


def _was_stopped(process: ChildProcess, batches: Sequence[Batch]) -> bool:
    return _is_stopped(batches) and process.returncode == -signal.SIGKILL


def _start(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    stdout: int | BinaryIO | IO[bytes],
    stderr: int | BinaryIO | IO[bytes],
    pass_fds: Sequence[int],
) -> subprocess.Popen[bytes]:
    if not cwd.is_dir():
        raise OstooError(f"can't start {argv[0]}: its working directory does not exist", where=str(cwd))
    program = _resolve(argv[0], cwd, env)
    try:
        return subprocess.Popen(  # noqa: S603 - argv is a list, no shell sees it
            [*_die_with_parent(), program, *argv[1:]],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
            pass_fds=pass_fds,
        )
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}", where=str(cwd)) from error


def _resolve(program: str, cwd: Path, env: Mapping[str, str]) -> str:
    if os.sep in program:
        # else setpriv would start and fail with its own message
        if not os.access(cwd / program, os.X_OK):
            raise OstooError(f"can't start {program}: no such program", where=str(cwd))
        return program
    found = shutil.which(program, path=env.get("PATH", os.defpath))
    if found is None:
        raise OstooError(f"{program} is not installed", remedy=f"install {program}, or put its folder on PATH")
    return found


@lru_cache(maxsize=1)
def _die_with_parent() -> tuple[str, ...]:
    """Return the prefix of a command that ties a child's life to its parent's: setpriv of util-linux, on Linux only.

    A fork hook of Python would not be safe in threads.
    """
    setpriv = shutil.which("setpriv") if hasattr(os, "pidfd_open") else None
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _signal_group(process: ChildProcess) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_group(process: ChildProcess) -> Completed:
    _signal_group(process)
    stdout, stderr = process.communicate()
    return Completed(process.returncode, stdout or b"", stderr or b"")
