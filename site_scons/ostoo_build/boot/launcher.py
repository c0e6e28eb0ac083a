"""Runs programs on a booted kernel, in one boot unless a program takes it down.

In the guest, each program and its package's files have the same paths as here, and can be modified there.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import source_files
from ostoo_build.base.errors import OstooError
from ostoo_build.boot.ending import HUNG, Ending
from ostoo_build.run.launcher import RunResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ostoo_build.boot.ending import ProgramResult
    from ostoo_build.boot.kernel import KernelImage
    from ostoo_build.run.launcher import Launch

_READY = "ready"
"""A script that is started first and does nothing, so that the boot does not count for the first program's time."""

_OF_HOST = frozenset({"CARGO"})
"""Variables that name a host program of 40 MB, which the guest can't run."""

_SHEBANG = "#!/bin/busybox sh\n"
_EMPTY = ".ostoo"
"""A file that makes an empty folder exist."""


class VmLauncher(Struct, frozen=True):
    """A `Launcher` that runs programs in a guest. `folder` keeps the logs of the last boot."""

    kernel: KernelImage
    folder: Path

    def run(self, launches: Sequence[Launch]) -> Iterator[tuple[int, RunResult]]:
        """Boot until each program was started. Output is available when the boot has ended.

        Raises `OstooError` if the kernel can't be booted, or starts no program.
        """
        self._refuse_unfit(launches)
        waiting = list(range(len(launches)))
        while waiting:
            some = {str(index): launches[index] for index in waiting}
            limit = max(launch.limit for launch in some.values())
            ready, *verdicts = self.kernel.boot(self.folder, _files(some), (_READY, *some), limit).verdicts
            if ready.ending.code:
                what = f"{self.kernel.description.kernel} does not start programs: {ready.ending.text}"
                raise OstooError(what, where=str(self.folder))
            for verdict in verdicts:
                if verdict.ending != Ending.not_started():
                    waiting.remove(int(verdict.program))
                    yield int(verdict.program), _ended(verdict, launches[int(verdict.program)])

    def _refuse_unfit(self, launches: Sequence[Launch]) -> None:
        description = self.kernel.description
        if not description.init:
            raise OstooError(
                f"tests can't run on {description.kernel}: it starts programs by name only",
                where=str(self.kernel.file),
                remedy="boot a kernel that takes an initramfs: kernel=linux",
            )
        for program in {launch.argv[0] for launch in launches}:
            self.kernel.refuse_other(Path(program))


def _files(launches: Mapping[str, Launch]) -> dict[str, bytes]:
    """Return the contents of the guest: a script for each program, and all files that these need."""
    named = {Path(launch.argv[0]) for launch in launches.values()}
    variables = (pair for launch in launches.values() for pair in launch.environment.items())
    named |= {Path(value) for name, value in variables if value[:1] == "/" and name not in _OF_HOST}
    for folder in {launch.folder for launch in launches.values()}:
        named |= {folder, *source_files.package_files(folder)}
    files = {_inside(path): path.read_bytes() for path in named if path.is_file()}
    folders = {_inside(path / _EMPTY): b"" for path in named if path.is_dir()}
    scripts = {_READY: _SHEBANG.encode(), **{name: _script(launch) for name, launch in launches.items()}}
    return {**files, **folders, **{f"programs/{name}": script for name, script in scripts.items()}}


def _inside(path: Path) -> str:
    return str(path).lstrip("/")


def _script(launch: Launch) -> bytes:
    variables = [f"{name}={value}" for name, value in launch.environment.items()]
    start = shlex.join(["exec", "/bin/busybox", "env", *variables, *launch.argv])
    return f"{_SHEBANG}cd {shlex.quote(str(launch.folder))} || exit 127\n{start}\n".encode()


def _ended(verdict: ProgramResult, launch: Launch) -> RunResult:
    """Convert a result. Only the guest would know the duration, so it is 0."""
    ending, output = verdict.ending, verdict.output
    if launch.shows_output:
        sys.stdout.buffer.write(output)
        output = b""
    if ending.code == HUNG and not ending.is_own:
        return RunResult(None, output, b"", seconds=0.0)
    said = b"" if ending.is_own else f"{ending.text}\n".encode()
    return RunResult(-ending.signal or ending.code, output, said, seconds=0.0)
