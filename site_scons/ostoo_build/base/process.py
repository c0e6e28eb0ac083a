"""Starts other programs: no shell, explicit environment, captured output. Does not know what they do."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, TYPE_CHECKING, BinaryIO, NoReturn, TextIO, cast

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Completed:
    """What a finished process left. `returncode` is negative for a signal, as in `subprocess`."""

    returncode: int
    stdout: bytes
    stderr: bytes


class StoppedError(OstooError):
    """A program was ended by `stop_all`; the user asked for it, so nobody needs to be told."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} was stopped")


class TimeOverError(OstooError):
    """A program was ended because its time was over; `left` is what it had written until then."""

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
    """Run `argv` to its end and return what it left, whatever its exit code.

    `argv[0]` is a path, or a name looked up in `env["PATH"]`. `timeout` is in seconds. The process is alone in a
    process group that is killed when this call is left early, and on Linux dies with the calling thread.
    Raises `OstooError` where the program can't be started, `TimeOverError` where the time is over.
    """
    with _started(argv, cwd, env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=pass_fds) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            left = _kill_group(process)
            raise TimeOverError(f"{argv[0]} did not finish within {timeout} s", str(cwd), left) from error
    return Completed(process.returncode, stdout, stderr)


def follow(
    argv: Sequence[str], heed: Callable[[bytes], None], *, cwd: Path, env: Mapping[str, str], pass_fds: Sequence[int]
) -> Completed:
    """Run `argv` as `run` does, and call `heed` with each line that it writes to stderr, as soon as it is there."""
    lines = []
    with (
        tempfile.TemporaryFile() as stdout,
        _started(argv, cwd, env, stdout=stdout, stderr=subprocess.PIPE, pass_fds=pass_fds) as process,
    ):
        for line in cast("IO[bytes]", process.stderr):
            lines.append(line)
            heed(line)
        returncode = process.wait()
        stdout.seek(0)
        return Completed(returncode, stdout.read(), b"".join(lines))


def call(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: TextIO | None, timeout: float | None = None
) -> int:
    """Run `argv` with this process' own terminal and return its exit code, negative for a signal.

    Where `stdout` is given, what it prints goes there. Raises `OstooError` where it can't be started, `TimeOverError`
    where the time is over.
    """
    try:
        return subprocess.call(list(argv), cwd=cwd, env=dict(env), stdout=stdout, timeout=timeout)  # noqa: S603 - no shell
    except subprocess.TimeoutExpired as error:
        left = Completed(-signal.SIGKILL, b"", b"")
        raise TimeOverError(f"{argv[0]} did not finish within {timeout} s", str(cwd), left) from error
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}", where=str(cwd)) from error


def become(argv: Sequence[str]) -> NoReturn:
    """Have `argv` take this process' place. Raises `OstooError` where it can't be started."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execv(argv[0], list(argv))  # noqa: S606 - that is what it is for; no shell sees it
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}") from error


Attended = subprocess.Popen[bytes]
"""A program that runs beside this one."""


def attend(argv: Sequence[str], *, cwd: Path, pass_fds: Sequence[int] = ()) -> Attended:
    """Start `argv` with this process' own terminal and environment, and go on.

    Raises `OstooError` where it can't be started.
    """
    try:
        return subprocess.Popen(list(argv), cwd=cwd, pass_fds=pass_fds)  # noqa: S603 - argv is a list, no shell sees it
    except OSError as error:
        raise OstooError(f"can't start {argv[0]}: {error.strerror}", where=str(cwd)) from error


def beside(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: BinaryIO, pass_fds: Sequence[int]
) -> Attended:
    """Start `argv` without a terminal and go on; what it says goes to `output`. On Linux it dies with this thread.

    Raises `OstooError` where it can't be started.
    """
    return _start(argv, cwd, env, stdout=output, stderr=output, pass_fds=pass_fds)


def end(program: Attended, patience: float) -> None:
    """Ask a program to end, and end it after `patience` seconds."""
    program.terminate()
    try:
        program.wait(patience)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def copy_output(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], sink: BinaryIO, limit: int) -> None:
    """Run `argv` to its end and copy what it writes to `sink`: for output that is too large to hold.

    Raises `OstooError` where the program can't be started, fails, or writes more than `limit` bytes.
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
            raise OstooError(f"{name} writes more than is allowed")
        sink.write(chunk)


_running: set[Attended] = set()
"""Programs that a caller in this process waits for."""

_is_stopping = threading.Event()


def stop_all() -> None:
    """End all programs that anybody in this process waits for, and those that are started from now on.

    Whoever waits for one of them gets `StoppedError`. Does not wait itself.
    """
    _is_stopping.set()
    for process in tuple(_running):
        _signal_group(process)


@contextlib.contextmanager
def _started(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    *,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    pass_fds: Sequence[int],
) -> Iterator[Attended]:
    """Start `argv` for one who waits for it. It has ended when this is left, in one way or the other."""
    process = _start(argv, cwd, env, stdout=stdout, stderr=stderr, pass_fds=pass_fds)
    _running.add(process)
    try:
        if _is_stopping.is_set():  # maybe it was not seen there
            _signal_group(process)
        yield process
        process.wait()
    except Exception as error:
        if _was_stopped(process):
            raise StoppedError(argv[0]) from error
        raise
    finally:
        _running.discard(process)
        if process.returncode is None:
            _kill_group(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if _was_stopped(process):
        raise StoppedError(argv[0])


def _was_stopped(process: Attended) -> bool:
    return _is_stopping.is_set() and process.returncode == -signal.SIGKILL


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
        raise OstooError(f"can't start {argv[0]}: there is no folder to start it in", where=str(cwd))
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
        # setpriv would start in its place, and fail in its own words
        if not os.access(cwd / program, os.X_OK):
            raise OstooError(f"can't start {program}: there is no such program", where=str(cwd))
        return program
    found = shutil.which(program, path=env.get("PATH", os.defpath))
    if found is None:
        raise OstooError(f"{program} is not installed", remedy=f"install {program}, or put its folder on PATH")
    return found


@lru_cache(maxsize=1)
def _die_with_parent() -> tuple[str, ...]:
    """Linux can tie a child's life to its parent's; util-linux' setpriv asks for it: no fork hook in our threads."""
    setpriv = shutil.which("setpriv") if hasattr(os, "pidfd_open") else None
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _signal_group(process: Attended) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_group(process: Attended) -> Completed:
    _signal_group(process)
    stdout, stderr = process.communicate()
    return Completed(process.returncode, stdout or b"", stderr or b"")
