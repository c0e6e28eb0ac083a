"""Implements `./ostoo test`: builds a program's tests and runs them."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.source_files import write_atomically
from ostoo_build.binary import symbol_table
from ostoo_build.execution.jobserver import usable_cpus
from ostoo_build.invocation import tools
from ostoo_build.planning.plan import SCRATCH
from ostoo_build.run import junit, test_list
from ostoo_build.run import output as test_output
from ostoo_build.run.launcher import LocalLauncher
from ostoo_build.run.tests import CaseResult, ExecutableRun, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.cli.run import Runner
    from ostoo_build.run.launcher import Launcher
    from ostoo_build.run.tests import Case, CaseFilter

FAILED = 101
"""Cargo's exit code for a failed test."""


class Request(Struct, frozen=True):
    """The command line of `./ostoo test`.

    `arguments` are for executables without a harness; `unknown` are those that no other executable understands.
    """

    program: str
    choice: CaseFilter
    arguments: tuple[str, ...]
    unknown: tuple[str, ...]
    limit: float
    lists: bool
    shows_output: bool
    junit: Path | None
    boots: bool

    def choice_in(self, executable: test_list.Executable) -> CaseFilter:
        """Return the selected tests.

        An executable without a harness gets the arguments after `--` instead of filters.
        """
        if executable.has_harness:
            return self.choice
        filters = tuple(word for word in self.choice.filters if word not in self.arguments)
        return replace(self.choice, filters=filters)


def perform(request: Request, runner: Runner) -> int:
    """Build the tests and run or list the selected ones; return the exit code, 101 if a test failed."""
    folder = layout.tests(request.program)
    note = runner.path(folder) / test_list.NAME
    runner.build([folder])
    kernel = _booted(request, runner) if request.boots else None
    executables = test_list.load(note)
    if not executables:
        raise OstooError(
            f"{request.program} has no tests",
            remedy="its Cargo.toml has `test = false`, and the package has neither a library nor files in tests/",
        )
    every = [_tests(executable, request, runner, kernel) for executable in executables]
    if request.unknown and all(tests.executable.has_harness for tests in every):
        words = " ".join(request.unknown)
        raise OstooError(f"no test executable understands {words}", remedy="see `./ostoo test --help`")
    if request.lists:
        for tests in every:
            _say(test_output.listed(_chosen(tests, request)))
        return 0
    return _run_all(every, request, runner)


def _tests(
    executable: test_list.Executable, request: Request, runner: Runner, kernel: Launcher | None
) -> ExecutableRun:
    paths = tools.paths_of(runner.root, runner.toolchain(), runner.options.described.sysroot_folder)
    scratch = dict(executable.environment).get(SCRATCH)
    if scratch:
        Path(paths.expand(scratch)).mkdir(parents=True, exist_ok=True)
    file = runner.root / executable.file
    _refuse_without_start(file, executable)
    place = kernel or LocalLauncher(runner.starter(file), runner.environ, usable_cpus())
    return ExecutableRun(executable, place, paths, request.arguments, request.limit, request.shows_output)


def _booted(request: Request, runner: Runner) -> Launcher:
    from ostoo_build.boot.launcher import VmLauncher  # noqa: PLC0415 - most tests run here
    from ostoo_build.cli import boot_image  # noqa: PLC0415 - likewise

    return VmLauncher(boot_image.kernel(runner), runner.path(layout.tests(request.program)) / "boot")


def _refuse_without_start(file: Path, executable: test_list.Executable) -> None:
    """LLD only warns about a missing entry point."""
    if symbol_table.read_program(file).segment_of_entry is None:
        raise OstooError(
            "the test executable has no entry point (`_start`)",
            where=f"{executable.package}/{executable.source}",
            remedy="name the crate that defines it: `extern crate ostoo_rt;`, in a library below `#[cfg(test)]`",
        )


def _chosen(tests: ExecutableRun, request: Request) -> list[Case]:
    choice = request.choice_in(tests.executable)
    return [case for case in tests.cases() if choice.takes(case)]


def _run_all(every: list[ExecutableRun], request: Request, runner: Runner) -> int:
    results = {tests.executable: _run(tests, request, runner) for tests in every}
    if request.junit:
        _write(request.junit, junit.document(request.program, results, request.limit))
    return FAILED if any(each.verdict is Status.FAILED for some in results.values() for each in some) else 0


def _run(tests: ExecutableRun, request: Request, runner: Runner) -> list[CaseResult]:
    runner.console.status("Running", f"{tests.executable.title} ({tests.executable.file})")
    cases, choice = tests.cases(), request.choice_in(tests.executable)
    chosen = [case for case in cases if choice.takes(case)]
    _say(test_output.begun(len(chosen)))
    since = time.monotonic()
    results = list(_told(tests.run(chosen, choice)))
    seconds = time.monotonic() - since
    _say(test_output.ended(results, len(cases) - len(chosen), seconds, request.limit))
    return results


def _told(results: Iterator[CaseResult]) -> Iterator[CaseResult]:
    for result in results:
        _say(test_output.line(result))
        yield result


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise OstooError(f"can't write the results: {error.strerror}", where=str(path)) from error
