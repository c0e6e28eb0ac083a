"""Runs actions on this machine: rustc, build scripts, the linker. Does not decide whether they need to run."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import process
from ostoo_build.execution.finishing import Finished
from ostoo_build.execution.sandbox import Start
from ostoo_build.execution.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ostoo_build.execution.action import Action
    from ostoo_build.execution.jobserver import Jobserver
    from ostoo_build.execution.sandbox import Sandbox
    from ostoo_build.paths import PathMap
    from ostoo_build.plan import PlannedUnit, Program
    from ostoo_build.process import Completed


@dataclass(frozen=True)
class LocalRunner:
    """How processes are started here. `environment` is what the toolchain needs; it is not part of any key."""

    paths: PathMap
    jobserver: Jobserver
    environment: Mapping[str, str]
    sandbox: Sandbox | None = None
    timeline: Timeline = field(default_factory=Timeline)

    def compile(self, action: Action, unit: PlannedUnit, on_metadata: Callable[[], None]) -> Finished:
        """Run rustc on a unit; tell when a library's metadata is there, before its code."""
        folder = self._folder(unit)
        _clear(folder)
        for name in unit.outputs:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        threads = f"-Zthreads={self.jobserver.jobs}"
        return self._start(folder, (*action.arguments, threads), action, _heeder(on_metadata))

    def run_build_script(self, action: Action, unit: PlannedUnit) -> Finished:
        """Run a build script in its package's folder, as cargo does."""
        folder = self._folder(unit)
        _clear(folder)
        (folder / "out").mkdir(parents=True)
        return self._start(folder, action.arguments, action, _ignore)

    def link(self, action: Action, program: Program) -> Finished:
        """Link a compiled program, into a folder of its own."""
        unit = program.units[-1]
        folder = self._folder(unit)
        linked = folder / "linked" / unit.id
        linked.parent.mkdir(exist_ok=True)
        with _kept(sorted(folder.glob("*.o")), linked.parent):
            done = self._start(folder, action.arguments, action, _ignore)
        if done.returncode == 0:
            (folder / unit.id).replace(linked)
        return done

    def _folder(self, unit: PlannedUnit) -> Path:
        return Path(self.paths.root, unit.folder)

    def _start(
        self, folder: Path, arguments: tuple[str, ...], action: Action, heed: Callable[[bytes], None]
    ) -> Finished:
        argv = [self.paths.expand(argument) for argument in arguments]
        cwd = Path(self.paths.root, self.paths.expand(action.directory))
        start = Start(argv, cwd, self._environment(action), self.jobserver.descriptors)
        with self.jobserver.token():
            self.timeline.started()
            if self.sandbox is None:
                completed = process.follow(argv, heed, cwd=cwd, env=start.environment, pass_fds=start.descriptors)
            else:
                completed = self.sandbox.follow(action, folder, start, heed)
        return self._finished(folder, completed)

    def _environment(self, action: Action) -> dict[str, str]:
        own = {name: self.paths.expand(value) for name, value in action.environment}
        return {**self.environment, **self.jobserver.environment, **own}

    def _finished(self, folder: Path, completed: Completed) -> Finished:
        return Finished(
            returncode=completed.returncode,
            stdout=completed.stdout.decode("utf-8", "replace"),
            stderr=completed.stderr.decode("utf-8", "replace"),
            files=tuple(path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()),
            read=lambda name: (folder / name).read_bytes(),
            paths=self.paths,
        )


def _ignore(_line: bytes) -> None:
    pass


def _heeder(on_metadata: Callable[[], None]) -> Callable[[bytes], None]:
    """Listen for rustc's word that a library's metadata is there."""

    def heed(line: bytes) -> None:
        if line.startswith(b"{") and json.loads(line).get("emit") == "metadata":
            on_metadata()

    return heed


@contextmanager
def _kept(files: list[Path], aside: Path) -> Iterator[None]:
    """Keep files that rustc deletes once it has linked them: they are outputs of the compilation."""
    for file in files:
        (aside / file.name).unlink(missing_ok=True)
        (aside / file.name).hardlink_to(file)
    try:
        yield
    finally:
        for file in files:
            (aside / file.name).replace(file)


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
