"""Runs actions on this machine: rustc, build scripts, the linker. The engine decides whether they need to run."""

from __future__ import annotations

import errno
import json
import os
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.actions.outcome import OUT, Finished
from ostoo_build.base import deferred, process, state_file
from ostoo_build.base.paths import is_local, seen_from
from ostoo_build.execution import incremental, out_folder
from ostoo_build.execution.sandbox import Start
from ostoo_build.execution.timeline import Timeline
from ostoo_build.rust import build_script
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ostoo_build.actions.action import Action
    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.process import Completed
    from ostoo_build.execution.jobserver import Jobserver
    from ostoo_build.execution.sandbox import Sandbox
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit, PlannedUnit, RunBuildScript


_BUSY_RETRIES, _BUSY_PAUSE = 50, 0.02

_NOT_STARTED = 126
"""Exit code of setpriv and of shells for a program that can't be started."""

_NOTHING = records.Record("", {})

_FEW = 2
"""With this number, other units keep the processors busy; only core, which all wait for, gets threads."""

_SMALL = 256 << 10
"""Bytes of source below which threads cost 0.03 s and save nothing (docs/performance.md)."""


_LIBRARIES = "LD_LIBRARY_PATH"

_OF_LINKS = ("PATH", "TMPDIR")
_OF_SCRIPTS = ("PATH", "HOME", "TMPDIR")
"""Variables of the user's environment that processes need."""


class LocalRunner(Struct, frozen=True):
    """Starts processes. `environment` is what the toolchain needs, `users` is the user's own.

    Neither is part of a key. The manual lists what rustc and build scripts see of them; dep-info is checked against
    the key.
    """

    paths: PathMap
    jobserver: Jobserver
    environment: Mapping[str, str]
    users: Mapping[str, str]
    sandbox: Sandbox | None = None
    timeline: Timeline = field(default_factory=Timeline)

    def compile(self, action: Action, unit: CompileUnit, on_metadata: Callable[[], None]) -> Finished:
        """Run rustc on a unit; calls `on_metadata` when a library's metadata is complete, before its code."""
        folder = self._folder(unit)
        _clear(folder)
        for name in unit.outputs:
            (folder / name).parent.mkdir(exist_ok=True)
        arguments = [*action.arguments]
        if not _is_small(action, unit) and (self.jobserver.jobs > _FEW or not unit.libraries):
            arguments.append(f"-Zthreads={self.jobserver.jobs}")
        kept = folder / records.INCREMENTAL
        if unit.is_incremental:
            incremental.take_away_altered(kept)
            arguments += ["-C", f"incremental={seen_from(unit.folder, unit.directory)}/{records.INCREMENTAL}"]
        done = self._start(folder, arguments, action, _on_stderr_line(on_metadata))
        if unit.is_incremental:
            deferred.register_afterwards(partial(incremental.vouch, kept))
        return done

    def expand(self, action: Action, unit: CompileUnit) -> str | None:
        """Return the macro-expanded source of a unit that compiles; None if rustc can't produce it."""
        made = ("--emit", "--out-dir", "-Zno-link")
        options = rustc_options.read(action.arguments[1:])
        words = [word for option in options if not option.words[0].startswith(made) for word in option.words]
        arguments = (action.arguments[0], *words, "-Zunpretty=expanded")
        with self.jobserver.token():
            done = self._completed(self._folder(unit), arguments, action, _ignore)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    def run_build_script(self, action: Action, unit: RunBuildScript) -> Finished:
        """Run a build script in its package's folder, as cargo does."""
        folder = self._folder(unit)
        made = folder / OUT
        for _ in range(_BUSY_RETRIES):
            _clear(folder)
            made.mkdir()
            done = self._start(folder, action.arguments, action, _ignore)
            if not _was_busy(done):
                break
            time.sleep(_BUSY_PAUSE)
        if done.returncode:
            return done
        led = out_folder.settle(made)
        empty = sorted(path.relative_to(folder).as_posix() for path in out_folder.empty_folders(made))
        return replace(done, files=tuple(sorted(_files(folder))), folders=tuple(empty), led=led)

    def link(self, action: Action, program: Program, linked: Path) -> Finished:
        """Link a compiled program to the file `linked`."""
        unit = program.unit
        folder = self._folder(unit)
        linked.parent.mkdir(exist_ok=True)
        with _kept(sorted(folder.glob("*.o")), linked.parent):
            done = self._start(folder, action.arguments, action, _ignore)
        if done.returncode == 0:
            state_file.make_way(linked)
            (folder / unit.id).replace(linked)
        return replace(done, read=lambda name: (linked if name == unit.id else folder / name).read_bytes())

    def _folder(self, unit: PlannedUnit) -> Path:
        return Path(self.paths.root, unit.folder)

    def _start(
        self, folder: Path, arguments: Sequence[str], action: Action, on_line: Callable[[bytes], None]
    ) -> Finished:
        self.timeline.waits()
        with self.jobserver.token():
            self.timeline.started()
            completed = self._completed(folder, arguments, action, on_line)
        return self._finished(folder, completed)

    def _completed(
        self, folder: Path, arguments: Sequence[str], action: Action, on_line: Callable[[bytes], None]
    ) -> Completed:
        argv = [self.paths.expand(argument) for argument in arguments]
        cwd = Path(self.paths.root, self.paths.expand(action.directory))
        start = Start(argv, cwd, self._environment(action), self.jobserver.descriptors)
        own = {name: value for name, value in start.environment.items() if name not in self.jobserver.environment}
        self.timeline.command(argv, str(cwd), own)
        if self.sandbox is None:
            return process.run_streaming(argv, on_line, cwd=cwd, env=start.environment, pass_fds=start.descriptors)
        return self.sandbox.follow(action, folder, start, on_line)

    def _environment(self, action: Action) -> dict[str, str]:
        """Return a process' environment. A compilation for the target sees nothing of the user's environment.

        Sorted by name as with cargo: some build scripts print variables in the order in which they find them.
        """
        names = _OF_SCRIPTS if action.mnemonic == "BuildScriptRun" else _OF_LINKS if _links(action) else ()
        users = {name: self.users[name] for name in names if name in self.users}
        jobs = {"NUM_JOBS": str(self.jobserver.jobs)} if action.mnemonic == "BuildScriptRun" else {}
        own = {name: self.paths.expand(value) for name, value in action.environment}
        if _LIBRARIES in own and _LIBRARIES in self.environment:  # the toolchain needs its own folders in any case
            folders = f"{self.environment[_LIBRARIES]}{os.pathsep}{own[_LIBRARIES]}".split(os.pathsep)
            own[_LIBRARIES] = os.pathsep.join(dict.fromkeys(folders))
        return dict(sorted({**self.environment, **users, **self.jobserver.environment, **jobs, **own}.items()))

    def _finished(self, folder: Path, completed: Completed) -> Finished:
        return Finished(
            returncode=completed.returncode,
            stdout=build_script.decoded(completed.stdout),
            stderr=completed.stderr.decode("utf-8", "replace"),
            files=tuple(sorted(_files(folder))),
            read=lambda name: (folder / name).read_bytes(),
            paths=self.paths,
            is_shut_in=self.sandbox is not None,
        )


def _links(action: Action) -> bool:
    """Whether a linker is started: the host's linker looks for its own programs in `PATH`."""
    return action.mnemonic == "Link" or "linker=cc" in action.arguments


def _was_busy(done: Finished) -> bool:
    """Whether a program could not start because a process has its file open for writing.

    The program was just written; a process that another thread forked in the meantime has the file open until it
    executes.
    """
    return done.returncode == _NOT_STARTED and done.stderr.rstrip().endswith(os.strerror(errno.ETXTBSY))


def _is_small(action: Action, unit: CompileUnit) -> bool:
    """Whether a compilation is too short for threads to pay off."""
    sources = sum(entry.size for entry in action.inputs if entry.path.startswith(f"{unit.package}/"))
    return is_local(unit.package) and sources < _SMALL


def _ignore(_line: bytes) -> None:
    pass


def _on_stderr_line(on_metadata: Callable[[], None]) -> Callable[[bytes], None]:
    """Return a callback that detects rustc's message that a library's metadata is complete."""

    def on_line(line: bytes) -> None:
        if line.startswith(b"{") and json.loads(line).get("emit") == "metadata":
            on_metadata()

    return on_line


@contextmanager
def _kept(files: list[Path], aside: Path) -> Iterator[None]:
    """Preserve files that rustc deletes after linking them: they are outputs of the compilation."""
    for file in files:
        (aside / file.name).unlink(missing_ok=True)
        (aside / file.name).hardlink_to(file)
    try:
        yield
    finally:
        for file in files:
            (aside / file.name).replace(file)


def _clear(folder: Path) -> None:
    """Remove what an action left in its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    records.keep_only(folder, _NOTHING)


def _files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        if place == str(folder):
            folders[:] = [name for name in folders if name != records.INCREMENTAL]
        paths = (Path(place, name) for name in names)
        yield from (path.relative_to(folder).as_posix() for path in paths if path.is_file())
