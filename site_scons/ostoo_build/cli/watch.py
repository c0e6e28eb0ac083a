"""Builds programs again whenever a file of the project changes: `./ostoo watch`. Does not know how they are built.

A server (`serve.py`) builds; this process waits for changes, says how it went, and keeps a program running.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import layout, process, state_file
from ostoo_build.base.errors import OstooError
from ostoo_build.rebuild import watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ostoo_build.base.console import Report
    from ostoo_build.base.process import Attended

_SETTLED = 10
"""Milliseconds of silence after which a save is over."""

_LONGEST = 200
"""Milliseconds after which a build begins though more is being saved."""

_PATIENCE = 2.0
"""Seconds that a running program has to end when it is asked to."""

_TOOL = "site_scons"
_LOOK = 500
"""Milliseconds from one look at what else builds read to the next, where no event tells of it."""


@dataclass
class Watch:
    """One `./ostoo watch`: `arguments` are SCons', `running` is a program's command line, empty for none."""

    root: Path
    arguments: Sequence[str]
    running: Sequence[str]
    report: Report
    _changes: queue.SimpleQueue[set[str]] = field(default_factory=queue.SimpleQueue)

    def forever(self) -> None:
        """Build now and after each change. Raises `OstooError` where the server ends."""
        self._start_watching()
        self.report.status("Watching", "for changes; ctrl-C ends it")
        program: Attended | None = None
        server = Server(self.root, self.arguments)
        try:
            while True:
                began = time.monotonic()
                if server.build() == 0:
                    self.report.status("Finished", f"in {time.monotonic() - began:.2f} s")
                    program = self._restarted(program)
                if any(Path(path).is_relative_to(self.root / _TOOL) for path in self._next()):
                    server.close()
                    server = Server(self.root, self.arguments)
        finally:
            server.close()
            if program is not None:
                process.end(program, _PATIENCE)

    def _restarted(self, program: Attended | None) -> Attended | None:
        if not self.running:
            return None
        if program is not None:
            process.end(program, _PATIENCE)
        self.report.status("Running", " ".join(self.running))
        try:
            return process.attend(self.running, cwd=self.root)
        except OstooError as error:
            self.report.messages([str(error)])
            return None

    def _next(self) -> set[str]:
        """Wait for changes, and take all that are known by now."""
        found = self._changes.get()
        with contextlib.suppress(queue.Empty):
            while True:
                found |= self._changes.get_nowait()
        return found

    def _start_watching(self) -> None:
        entries = [entry for entry in self.root.iterdir() if watched.counts(self.root, entry)]
        deep = [entry for entry in entries if entry.is_dir()]
        for paths, recursive in ((deep, True), ([self.root], False)):
            threading.Thread(target=self._follow, args=(paths, recursive), daemon=True).start()
        state_file.remove(self.root / layout.WATCHED)  # of another watch
        threading.Thread(target=self._follow_others, daemon=True).start()

    def _follow(self, paths: list[Path], recursive: bool) -> None:  # noqa: FBT001 - a thread's arguments have no names
        import watchfiles  # noqa: PLC0415 - loaded while the first build runs

        for found in watchfiles.watch(
            *paths,
            recursive=recursive,
            watch_filter=lambda _, path: watched.counts(self.root, Path(path)),
            step=_SETTLED,
            debounce=_LONGEST,
            raise_interrupt=False,
        ):
            self._changes.put({path for _, path in found})

    def _follow_others(self) -> None:
        """Follow what the last build read besides: events only wake, it is `stat` that tells."""
        import watchfiles  # noqa: PLC0415 - as above

        told: watched.Stamps = {}
        seen = told
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
                last = watched.read(self.root)
                seen, told = (seen, told) if last == told else (last, last)
                now = watched.stamps([*seen])
                if changed := {name for name in seen if now[name] != seen[name]}:
                    self._changes.put(changed)
                seen = now
                if not {*_folders(seen)} <= places:
                    break


def _folders(names: Iterable[str]) -> Iterator[Path]:
    """The folders in which a change of these, or of what they lead to, shows, as far as they are there."""
    for name in names:
        for path in {Path(name), Path(os.path.realpath(name))}:
            if path.parent.is_dir():
                yield path.parent


class Server:
    """The process that builds."""

    def __init__(self, root: Path, arguments: Iterable[str]) -> None:
        theirs, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        script = str(Path(__file__).parents[2] / "serve.py")
        argv = [sys.executable, "-P", script, str(theirs), str(answers), *arguments]
        self._process = process.attend(argv, cwd=root, pass_fds=(theirs, answers))
        os.close(theirs)
        os.close(answers)

    def build(self) -> int:
        """Have it build; SCons' exit code. Raises `OstooError` where there is no server any more."""
        try:
            os.write(self._requests, b"b")
            answer = os.read(self._answers, 1)
        except OSError:
            answer = b""
        if not answer:
            raise OstooError("the build server ended", remedy="its last words are above; start again")
        return answer[0]

    def close(self) -> None:
        """End it, and the build that waits."""
        os.close(self._requests)
        os.close(self._answers)
        self._process.wait()
