"""Starts Python programs by fork, each as `python -S -P` would: python -S -P fork_server.py DESCRIPTOR

What builds import that is not of their checkout is loaded here once. Asked through the socket DESCRIPTOR by `forked.py`
it says who was made and, in the end, how that ended. Where nobody can ask any more, it ends, as does all it made.
"""

from __future__ import annotations

import atexit
import builtins
import ctypes
import gc
import importlib
import importlib.machinery
import io
import json
import os
import select
import signal
import socket
import sys
import threading
import types
from dataclasses import dataclass
from typing import Any, NoReturn

PRELOADED = (
    *("SCons.Script", "SCons.Conftest", "SCons.Platform.posix", "SCons.Platform.virtualenv", "SCons.SConf"),
    *("SCons.Tool.linkCommon", "SCons.Variables"),
    *("capstone", "elftools.dwarf.descriptions", "elftools.dwarf.ranges", "elftools.elf.elffile"),
    *("filelock", "jsonschema", "msgspec.inspect", "msgspec.json", "platformdirs", "zstandard"),
    *("google.protobuf.any_pb2", "google.protobuf.duration_pb2", "google.protobuf.internal.builder"),
    "google.protobuf.text_format",
    *("array", "base64", "binascii", "concurrent.futures.thread", "csv", "decimal", "difflib", "filecmp", "fnmatch"),
    *("glob", "ipaddress", "locale", "pkgutil", "random", "runpy", "secrets", "shlex", "sysconfig", "tempfile"),
    *("tomllib", "urllib.parse", "uuid"),
)
"""Never `grpc`: it starts threads, which no fork survives."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Request:
    """A program to start: its `streams` are where it writes to, and where we say how it ended."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    umask: int
    streams: list[int]

    @classmethod
    def receive(cls, line: socket.socket) -> Request | None:
        size, streams, _, _ = socket.recv_fds(line, 8, 3)
        if len(size) < 8:
            return None
        left, text = int.from_bytes(size, "little"), b""
        while more := line.recv(left - len(text)):
            text += more
        return cls(**json.loads(text), streams=streams) if len(text) == left else None


def preload() -> None:
    """Import what is not of a checkout, and leave no other trace of it."""
    path, finders, prefixes = [*sys.path], [*sys.meta_path], (sys.prefix, sys.exec_prefix)
    import site  # noqa: PLC0415 - each program does it again

    site.main()
    for name in PRELOADED:
        importlib.import_module(name)
    sys.path[:], sys.meta_path[:] = path, finders
    sys.prefix, sys.exec_prefix = prefixes
    for name in ("site", "_distutils_hack"):
        sys.modules.pop(name, None)


def serve(line: socket.socket) -> Request:
    """Start what is asked for; returns in a process that was forked, with what it is to be."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    children: dict[int, tuple[int, int]] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor in children:
                pid, ended = children.pop(descriptor)
                poll.unregister(descriptor)
                os.close(descriptor)
                _tell_end(ended, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                continue
            request = Request.receive(line)
            if request is None:
                os._exit(0)
            pid = os.fork()
            if not pid:
                return request
            *theirs, ended = request.streams
            for each in theirs:
                os.close(each)
            child = os.pidfd_open(pid)
            children[child] = pid, ended
            poll.register(child, select.POLLIN)
            socket.send_fds(line, [pid.to_bytes(8, "little")], [child])


def _tell_end(stream: int, code: int) -> None:
    try:  # noqa: SIM105 - contextlib is nothing that `python -S` has loaded
        os.write(stream, code.to_bytes(8, "little", signed=True))
    except BrokenPipeError:  # nobody waits for it
        pass
    os.close(stream)


def become(request: Request, server: int) -> None:
    """Be the process that the command would be, right before it reads its program."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((null, *request.streams[:2])):
        os.dup2(stream, number)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - plain numbers
        if int(name) > 2:
            try:  # noqa: SIM105 - likewise
                os.close(int(name))
            except OSError:  # what listed them
                pass
    os.chdir(request.folder)
    os.umask(request.umask)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.argv = request.arguments
    sys.stdin = sys.__stdin__ = _reopened(sys.stdin)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _reopened(sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _reopened(sys.stderr)  # type: ignore[misc]


def _reopened(old: Any) -> io.TextIOWrapper:
    """A stream as Python itself opens it, with nothing in its buffers."""
    reads = old.mode == "r"
    raw = io.FileIO(old.fileno(), "r" if reads else "w", closefd=False)
    raw.name = old.name
    buffered = io.BufferedReader(raw) if reads else raw if old.write_through else io.BufferedWriter(raw)
    stream: Any = io.TextIOWrapper(
        buffered,
        encoding=old.encoding,
        errors=old.errors,
        newline=None if reads else "\n",
        line_buffering=old.line_buffering,
        write_through=old.write_through,
    )
    stream.mode = old.mode
    return stream  # type: ignore[no-any-return]


def run(path: str) -> int:
    """Run a program as the one that Python was started with; its exit code. What else it raises is Python's to tell."""
    main = types.ModuleType("__main__")
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    vars(main).update(__file__=path, __builtins__=builtins, __annotations__={}, __cached__=None, __loader__=loader)
    sys.modules["__main__"] = main
    try:
        exec(compile(loader.get_data(path), path, "exec"), vars(main))  # noqa: S102 - it is what we are for
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            raise
        return end.code or 0
    except Exception as error:  # noqa: BLE001 - as Python does
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # without us
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def end(code: int) -> NoReturn:
    """End as Python does, but do not take it apart: that takes as long as much of a build."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - Python calls it, nobody else is meant to
    atexit._run_exitfuncs()  # noqa: SLF001 - likewise
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except (OSError, ValueError):
        sys.exit(code)  # it tells of that, and has a code for it
    os._exit(code & 0xFF)


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # ctrl-C is for what we started, and who asks
    gc.disable()
    preload()
    gc.freeze()
    server = os.getpid()
    request = serve(line)
    line.detach()
    become(request, server)
    gc.enable()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    end(run(os.path.abspath(sys.argv[0])))  # noqa: PTH100 - as Python does


if __name__ == "__main__":
    main()
