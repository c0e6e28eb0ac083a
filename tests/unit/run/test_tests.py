from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import PathMap
from ostoo_build.run.launcher import Launch, RunResult
from ostoo_build.run.test_list import Executable
from ostoo_build.run.tests import Case, CaseFilter, ExecutableRun, RunMode, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXECUTABLE = Executable("build/p.tests/bin-p", "bin", "p", "src/main.rs", "user-rs/p", (("DIR", "@{root}/x"),), True)  # noqa: FBT003 - a record
CASES = (Case("a::one", is_ignored=False), Case("a::two", is_ignored=True), Case("b::one", is_ignored=False))


@dataclass
class Place:
    """Ends each launch as it is told to; the last one first."""

    answers: dict[str, RunResult]
    launched: list[Launch] = field(default_factory=list)

    def run(self, launches: Sequence[Launch]) -> Iterator[tuple[int, RunResult]]:
        self.launched += launches
        for index in reversed(range(len(launches))):
            yield index, self.answers[" ".join(launches[index].argv[1:])]


def ended(code: int | None, stdout: str = "") -> RunResult:
    return RunResult(code, stdout.encode(), b"", 0.5)


def placed(place: Place, executable: Executable = EXECUTABLE) -> ExecutableRun:
    return ExecutableRun(executable, place, PathMap((("root", Path("/r")),)), ("--own",), 7, shows_output=False)


def test_cases_are_asked_for_and_those_that_are_ignored() -> None:
    listed = "a::one: test\na::two: test\nb::one: test\nfast: benchmark\n"
    place = Place(
        {"--list --format terse": ended(0, listed), "--list --format terse --ignored": ended(0, "a::two: test\n")}
    )
    assert placed(place).cases() == CASES


def test_an_executable_that_lists_nothing_is_told_with_its_words() -> None:
    place = Place({"--list --format terse": ended(3, "what?\n"), "--list --format terse --ignored": ended(3)})
    with pytest.raises(OstooError, match=r"exit code 3\s+what\?") as caught:
        placed(place).cases()
    assert caught.value.where == "/r/build/p.tests/bin-p"


@pytest.mark.parametrize(
    ("filters", "is_exact", "runs", "chosen"),
    [
        ((), False, RunMode.NORMAL, ["a::one", "a::two", "b::one"]),
        ((), False, RunMode.IGNORED, ["a::two"]),
        (("one",), False, RunMode.NORMAL, ["a::one", "b::one"]),
        (("one",), False, RunMode.IGNORED, []),
        (("one",), True, RunMode.NORMAL, []),
        (("b::one", "a::t"), True, RunMode.ALL, ["b::one"]),
        (("b::one", "a::t"), False, RunMode.ALL, ["a::two", "b::one"]),
    ],
)
def test_a_choice_is_by_name_and_mark(
    filters: tuple[str, ...],
    is_exact: bool,  # noqa: FBT001 - a table's column
    runs: RunMode,
    chosen: list[str],
) -> None:
    assert [case.name for case in CASES if CaseFilter(filters, is_exact, runs).takes(case)] == chosen


def test_each_test_is_a_process_that_both_harnesses_understand() -> None:
    place = Place({"--exact a::one": ended(50), "--exact b::one": ended(0)})
    results = list(placed(place).run(CASES, CaseFilter((), is_exact=False, runs=RunMode.NORMAL)))
    assert {each.case.name: each.verdict for each in results} == {
        "a::one": Status.OK,
        "a::two": Status.IGNORED,
        "b::one": Status.FAILED,
    }
    first = place.launched[0]
    assert first.argv == ("/r/build/p.tests/bin-p", "--exact", "a::one")
    assert first.environment == {"DIR": "/r/x", "__RUST_TEST_INVOKE": "a::one"}
    assert (first.folder, first.limit) == (Path("/r/user-rs/p"), 7)


@pytest.mark.parametrize("code", [0, 1, 101, -6, -11, None])
def test_only_libtests_own_code_is_success(code: int | None) -> None:
    place = Place({"--exact a::one": ended(code)})
    (result,) = placed(place).run(CASES[:1], CaseFilter((), is_exact=False, runs=RunMode.NORMAL))
    assert result.verdict is Status.FAILED


@pytest.mark.parametrize(("code", "verdict"), [(0, Status.OK), (50, Status.FAILED)])
def test_an_executable_without_a_harness_is_one_test(code: int, verdict: Status) -> None:
    whole = Executable("build/p.tests/test-w", "test", "w", "tests/w.rs", "user-rs/p", (), False)  # noqa: FBT003 - a record
    place = Place({"--own": ended(code)})
    tests = placed(place, whole)
    (result,) = tests.run(tests.cases(), CaseFilter((), is_exact=False, runs=RunMode.NORMAL))
    assert (result.case.name, result.verdict) == ("w", verdict)
    assert place.launched[0].environment == {}
