"""Implements `./ostoo watch`: rebuilds programs whenever a file of the project changes.

A server (`serve.py`) builds; this process waits for changes, reports results, and keeps a program running.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import layout, process, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.ide.discovery import WATCHED
from ostoo_build.rebuild import dependencies, watched
from ostoo_build.server import client, launching, request, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from ostoo_build.base.console import Console
    from ostoo_build.base.process import ChildProcess
    from ostoo_build.base.stamps import Stamps

_SETTLED = 10
"""Milliseconds without events after which a save is complete."""

_LONGEST = 200
"""Milliseconds after which a build starts even if more files are being saved."""

_PATIENCE = 2.0
"""Seconds between SIGTERM and SIGKILL for a running program."""

_LOOK = 500
"""Milliseconds between two checks of files for which there are no events."""


@dataclass
class Watch:
    """One `./ostoo watch`: `arguments` are SCons', `running` is the command line of the program to run, or empty.

    `made` are the folders that builds write to, as portable paths. `describe` writes the documents for rust-analyzer.
    """

    root: Path
    made: Collection[str]
    arguments: Sequence[str]
    running: Sequence[str]
    console: Console
    describe: Callable[[], None]
    _changes: queue.SimpleQueue[set[str]] = field(default_factory=queue.SimpleQueue)
    _began: int = 0
    """When the last build began, in ns since the epoch."""

    def forever(self) -> None:
        """Build now and after each change. Raises `OstooError` if the server ends."""
        self._start_watching()
        self.console.status("Watching", "for changes; press Ctrl-C to stop")
        program: ChildProcess | None = None
        os.chdir(self.root)  # a socket's address is short
        server = Server(self.root, self.arguments, self.console)
        changed: set[str] = set()
        try:
            while True:
                self._began, began = time.time_ns(), time.monotonic()
                if server.build() == 0:
                    self.console.status("Finished", f"in {time.monotonic() - began:.2f} s")
                    program = self._restarted(program)
                self.keep_described(changed)
                changed = self._next()
        finally:
            server.close()
            if program is not None:
                process.terminate(program, _PATIENCE)

    def keep_described(self, changed: Collection[str]) -> None:
        """Describe the programs anew if there is a document and they may be others."""
        if (self.root / layout.IDE_DOCUMENT).is_file() and any(Path(name).name in WATCHED for name in changed):
            try:
                self.describe()
            except OstooError as error:
                self.console.error(error)

    def _restarted(self, program: ChildProcess | None) -> ChildProcess | None:
        if not self.running:
            return None
        if program is not None:
            process.terminate(program, _PATIENCE)
        self.console.status("Running", " ".join(self.running))
        try:
            return process.spawn(self.running, cwd=self.root)
        except OstooError as error:
            self.console.error(error)
            return None

    def _next(self) -> set[str]:
        """Wait for changes and return all changed paths."""
        found = self._changes.get()
        with contextlib.suppress(queue.Empty):
            while True:
                found |= self._changes.get_nowait()
        return found

    def _start_watching(self) -> None:
        entries = [entry for entry in self.root.iterdir() if watched.counts(self.root, self.made, entry)]
        deep = [entry for entry in entries if entry.is_dir()]
        for paths, recursive in (([*deep, *self._code], True), ([self.root], False)):
            threading.Thread(target=self._follow, args=(paths, recursive), daemon=True).start()
        state_file.remove(self.root / layout.WATCHED)  # an event of another watch
        threading.Thread(target=self._follow_others, daemon=True).start()

    def _follow(self, paths: list[Path], recursive: bool) -> None:  # noqa: FBT001 - a thread's arguments have no names
        import watchfiles  # noqa: PLC0415 - loaded while the first build runs

        for found in watchfiles.watch(
            *paths,
            recursive=recursive,
            watch_filter=lambda _, path: self._counts(Path(path)),
            step=_SETTLED,
            debounce=_LONGEST,
            raise_interrupt=False,
        ):
            self._changes.put({path for _, path in found})

    def _counts(self, path: Path) -> bool:
        """Whether a build may read this path. Python writes compiled modules beside this build's code."""
        is_code = any(path.is_relative_to(folder) for folder in self._code)
        return path.suffix == ".py" if is_code else watched.counts(self.root, self.made, path)

    @property
    def _code(self) -> list[Path]:
        return dependencies.code_elsewhere(self.root)

    def _follow_others(self) -> None:
        """Watch the other files of the last build.

        Events only wake this process; `stat` decides whether something changed. The build that is prepared next names
        the files, so a file that is new here may have changed after the last build read it.
        """
        import watchfiles  # noqa: PLC0415 - as above

        seen: Stamps = {}
        while True:
            places = {self.root, *_folders(seen)}
            for _ in watchfiles.watch(
                *places,
                recursive=False,
                watch_filter=None,
                step=_SETTLED,
                debounce=_LONGEST,
                rust_timeout=_LOOK,
                yield_on_timeout=True,
                raise_interrupt=False,
            ):
                noted = watched.read(self.root)
                now = watched.stamps([*{**noted, **seen}])
                missed = watched.late({name: now[name] for name in noted.keys() - seen.keys()}, self._began)
                if changed := {name for name in seen if now[name] != seen[name]} | missed:
                    self._changes.put(changed)
                seen = {name: now[name] for name in noted}
                if not {*_folders(seen)} <= places:
                    break


def _folders(names: Iterable[str]) -> Iterator[Path]:
    """Yield the existing folders in which a change of these files, or of the targets of links, produces an event."""
    for name in names:
        for path in {Path(name), Path(os.path.realpath(name))}:
            if path.parent.is_dir():
                yield path.parent


class Server:
    """A build server of this process alone, in the working folder; `words` are SCons' arguments."""

    def __init__(self, root: Path, words: Sequence[str], console: Console) -> None:
        self._root = root
        self._words = [*words]
        self._console = console
        self._path = f"{layout.SERVERS}/watch-{os.getpid()}"
        self._owned, self._owner = os.pipe()
        self._process = self._started()

    def build(self) -> int:
        """Build and return SCons' exit code. Raises `OstooError` if there is no server, `KeyboardInterrupt`."""
        done = self._build()
        if done is None:  # its code has changed
            self._process.wait()
            self._process = self._started()
            done = self._build()
        if done is None:
            raise OstooError("the build server ended", remedy="see its messages above, and start again")
        status, is_interrupted = done
        if is_interrupted:
            raise KeyboardInterrupt
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            self._console.error(OstooError(f"the build was killed by {signal.Signals(-code).name}"))
        return code

    def close(self) -> None:
        """End the server and the build that waits in it."""
        client.ask(self._path, wire.STOP)
        self._process.wait()
        for descriptor in (self._owned, self._owner):
            os.close(descriptor)

    def _started(self) -> ChildProcess:
        with launching.listening(self._path) as listener:
            command = launching.command(listener, self._path, self._owned)
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # the server has it from its begin on
            try:
                return process.spawn(command, cwd=self._root, pass_fds=[listener.fileno(), self._owned])
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _build(self) -> tuple[int, bool] | None:
        return client.build(self._path, request.captured(self._words, None, time.time_ns()))
