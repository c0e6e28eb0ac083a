"""Runs programs to their end, each in its own process, and returns how each ended.

`Launcher` is the interface. `LocalLauncher` uses this machine, with QEMU's user mode for another processor; a booted
kernel is another implementation.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from ostoo_build.base import process
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


class Launch(Struct, frozen=True):
    """One run of a program. `argv[0]` is its local path, `environment` are additional variables.

    `limit` is in seconds. With `shows_output` the program has the terminal to itself, and its output is not captured.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    limit: float
    shows_output: bool


class RunResult(Struct, frozen=True):
    """The result of a run. `code` is negative for a signal, and None after the time limit.

    `seconds` is the duration.
    """

    code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float


class Launcher(Protocol):
    """Runs programs."""

    def run(self, launches: Sequence[Launch]) -> Iterator[tuple[int, RunResult]]:
        """Run all programs in any order. Yields index and result of each when it ends.

        Raises `OstooError` if one can't be started.
        """


class LocalLauncher(Struct, frozen=True):
    """Runs `jobs` programs at a time on this machine, with the variables `environ`.

    `starter` is the command before `argv`.
    """

    starter: tuple[str, ...]
    environ: Mapping[str, str]
    jobs: int

    def run(self, launches: Sequence[Launch]) -> Iterator[tuple[int, RunResult]]:
        if any(launch.shows_output for launch in launches):
            yield from ((index, self._run(launch)) for index, launch in enumerate(launches))
            return
        waiting: SimpleQueue[int] = SimpleQueue()
        ended: SimpleQueue[tuple[int, RunResult | OstooError]] = SimpleQueue()
        for index in range(len(launches)):
            waiting.put(index)

        def work() -> None:
            while True:
                try:
                    index = waiting.get_nowait()
                except Empty:
                    return
                try:
                    ended.put((index, self._run(launches[index])))
                except OstooError as error:
                    ended.put((index, error))

        for _ in range(min(self.jobs, len(launches))):
            # daemons: nobody waits for them after ctrl-C, and what they run ends with them
            threading.Thread(target=work, daemon=True).start()
        for _ in launches:
            index, outcome = ended.get()
            if isinstance(outcome, OstooError):
                raise outcome
            yield index, outcome

    def _run(self, launch: Launch) -> RunResult:
        argv = [*self.starter, *launch.argv]
        environment = {**self.environ, **launch.environment}
        since = time.monotonic()
        code: int | None
        try:
            if launch.shows_output:
                code = process.run_inherited(
                    argv, cwd=launch.folder, env=environment, stdout=None, timeout=launch.limit
                )
                return RunResult(code, b"", b"", time.monotonic() - since)
            done = process.run(argv, cwd=launch.folder, env=environment, timeout=launch.limit)
            code = done.returncode
        except process.TimeOverError as error:
            code, done = None, error.left
        return RunResult(code, done.stdout, done.stderr, time.monotonic() - since)
