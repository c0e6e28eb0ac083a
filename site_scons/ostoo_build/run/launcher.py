"""Runs programs to their end, each in its own process, and returns how each ended.

`Launcher` is what whoever has tests run needs of a place where programs run. `Here` is this machine, with QEMU's user
mode for another processor's; a booted kernel is another place.
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
    """One run of a program: `argv[0]` is its file on this machine, `environment` what it is given besides.

    `limit` is in seconds. With `shows_output` it has the terminal, alone, and leaves no output.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    limit: float
    shows_output: bool


class Ended(Struct, frozen=True):
    """How a run ended: `code` is negative for a signal, None where its time was over. `seconds` is what it took."""

    code: int | None
    stdout: bytes
    stderr: bytes
    seconds: float


class Launcher(Protocol):
    """A place where programs run."""

    def run(self, launches: Sequence[Launch]) -> Iterator[tuple[int, Ended]]:
        """Run all of them, in any order; yield each as it ends, by its index.

        Raises `OstooError` where one can't be started.
        """


class Here(Struct, frozen=True):
    """Runs `jobs` at once on this machine, under `environ`. `starter` is the command that programs are arguments of."""

    starter: tuple[str, ...]
    environ: Mapping[str, str]
    jobs: int

    def run(self, launches: Sequence[Launch]) -> Iterator[tuple[int, Ended]]:
        if any(launch.shows_output for launch in launches):
            yield from ((index, self._run(launch)) for index, launch in enumerate(launches))
            return
        waiting: SimpleQueue[int] = SimpleQueue()
        ended: SimpleQueue[tuple[int, Ended | OstooError]] = SimpleQueue()
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

    def _run(self, launch: Launch) -> Ended:
        argv = [*self.starter, *launch.argv]
        environment = {**self.environ, **launch.environment}
        since = time.monotonic()
        code: int | None
        try:
            if launch.shows_output:
                code = process.call(argv, cwd=launch.folder, env=environment, stdout=None, timeout=launch.limit)
                return Ended(code, b"", b"", time.monotonic() - since)
            done = process.run(argv, cwd=launch.folder, env=environment, timeout=launch.limit)
            code = done.returncode
        except process.TimeOverError as error:
            code, done = None, error.left
        return Ended(code, done.stdout, done.stderr, time.monotonic() - since)
