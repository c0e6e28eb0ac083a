"""Lists the tests in test executables, and runs each in its own process.

A test is started with libtest's own arguments for one test in one process, which it uses itself if panics abort
(`test/src/lib.rs`, `test_main_static_abort`); `ostoo_rt::test_runner` supports them too.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError
from ostoo_build.run.launcher import Launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ostoo_build.base.paths import PathMap
    from ostoo_build.run.launcher import Launcher, RunResult
    from ostoo_build.run.test_list import Executable

PASSED = 50
"""Libtest's exit code for a passed test (`test_result.rs`, `TR_OK`). A test that merely exits does not pass."""

_WORD_FOR_ONE = "__RUST_TEST_INVOKE"
_LIST = ("--list", "--format", "terse")


class Status(Enum):
    """The result of a test, in libtest's words."""

    OK = "ok"
    FAILED = "FAILED"
    IGNORED = "ignored"


class RunMode(Enum):
    """Which tests are run, depending on `#[ignore]`."""

    NORMAL = "normal"
    IGNORED = "ignored"
    ALL = "all"


class CaseFilter(Struct, frozen=True):
    """Selects tests whose names contain one of `filters`, or with `is_exact` equal one; without filters, all tests."""

    filters: tuple[str, ...]
    is_exact: bool
    runs: RunMode

    def takes(self, case: Case) -> bool:
        if self.runs is RunMode.IGNORED and not case.is_ignored:
            return False
        matches = (word == case.name if self.is_exact else word in case.name for word in self.filters)
        return not self.filters or any(matches)

    def performs(self, case: Case) -> bool:
        return self.runs is not RunMode.NORMAL or not case.is_ignored


class Case(Struct, frozen=True):
    """One test of an executable."""

    name: str
    is_ignored: bool


class CaseResult(Struct, frozen=True):
    """The result of one test; `ended` is None if it was not run."""

    case: Case
    verdict: Status
    ended: RunResult | None


class ExecutableRun(Struct, frozen=True):
    """One executable with its launcher.

    `arguments` are passed if it has no harness, `limit` is in seconds for each test.

    With `shows_output`, tests run one after another and their output is shown immediately.
    """

    executable: Executable
    launcher: Launcher
    paths: PathMap
    arguments: tuple[str, ...]
    limit: float
    shows_output: bool

    @property
    def file(self) -> str:
        return str(self._place(self.executable.file))

    def cases(self) -> tuple[Case, ...]:
        """Return all tests of the executable. Raises `OstooError` if it does not list them."""
        if not self.executable.has_harness:
            return (Case(self.executable.target, is_ignored=False),)
        launches = [self._launch(words, {}, shows_output=False) for words in (_LIST, (*_LIST, "--ignored"))]
        answers = dict(self.launcher.run(launches))
        every, ignored = (self._names(answers[index]) for index in range(len(launches)))
        return tuple(Case(name, name in ignored) for name in every)

    def run(self, cases: Sequence[Case], choice: CaseFilter) -> Iterator[CaseResult]:
        """Run the selected tests, and yield the result of each when it ends."""
        yield from (CaseResult(case, Status.IGNORED, None) for case in cases if not choice.performs(case))
        performed = [case for case in cases if choice.performs(case)]
        passed = PASSED if self.executable.has_harness else 0
        for index, ended in self.launcher.run([self._launch_of(case) for case in performed]):
            yield CaseResult(performed[index], Status.OK if ended.code == passed else Status.FAILED, ended)

    def _launch_of(self, case: Case) -> Launch:
        if not self.executable.has_harness:
            return self._launch(self.arguments, {}, shows_output=self.shows_output)
        one = {_WORD_FOR_ONE: case.name}
        return self._launch(("--exact", case.name), one, shows_output=self.shows_output)

    def _launch(self, arguments: tuple[str, ...], more: dict[str, str], *, shows_output: bool) -> Launch:
        own = {name: self.paths.expand(value) for name, value in self.executable.environment}
        folder = self._place(self.executable.package)
        return Launch((self.file, *arguments), {**own, **more}, folder, self.limit, shows_output)

    def _place(self, path: str) -> Path:
        return Path(self.paths.root, self.paths.expand(path))

    def _names(self, ended: RunResult) -> tuple[str, ...]:
        if ended.code != 0:
            said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
            what = f"it does not list its tests: {how(ended, self.limit)}\n{said}"
            raise OstooError(what.strip(), where=self.file)
        lines = ended.stdout.decode("utf-8", "replace").splitlines()
        return tuple(line.removesuffix(": test") for line in lines if line.endswith(": test"))


def how(ended: RunResult, limit: float) -> str:
    """Describe how a failed run ended."""
    if ended.code is None:
        return f"it timed out after {limit:g} s"
    if ended.code < 0:
        return f"it was killed by signal {-ended.code}"
    return f"it ended with exit code {ended.code}"
