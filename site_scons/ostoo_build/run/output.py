"""Prints test results in the format of `cargo test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.run.tests import Status, how

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.run.tests import Case, CaseResult

_PANIC = frozenset({101, -6})
"""Results of a test whose panic message is sufficient: libtest's exit code, or SIGABRT."""


def listed(cases: Sequence[Case]) -> str:
    """Return the names of tests in the format of libtest's `--list`."""
    names = "".join(f"{case.name}: test\n" for case in cases)
    return f"{names}\n{_count(len(cases))}, 0 benchmarks\n\n"


def begun(count: int) -> str:
    return f"\nrunning {_count(count)}\n"


def line(result: CaseResult) -> str:
    return f"test {result.case.name} ... {result.verdict.value}\n"


def ended(results: Sequence[CaseResult], filtered: int, seconds: float, limit: float) -> str:
    """Return the failed tests with their output, and the summary."""
    failed = sorted((each for each in results if each.verdict is Status.FAILED), key=lambda each: each.case.name)
    verdict = "FAILED" if failed else "ok"
    counts = {each: sum(result.verdict is each for result in results) for each in Status}
    return (
        f"{_failures(failed, limit) if failed else ''}\n"
        f"test result: {verdict}. {counts[Status.OK]} passed; {counts[Status.FAILED]} failed; "
        f"{counts[Status.IGNORED]} ignored; 0 measured; {filtered} filtered out; finished in {seconds:.2f}s\n\n"
    )


def reason(result: CaseResult, limit: float) -> str:
    """Return why a test failed if its own output may not contain that."""
    if result.ended is None or result.ended.code in _PANIC:
        return ""
    return how(result.ended, limit)


def said(result: CaseResult) -> str:
    """Return a test's output on both streams."""
    streams = (result.ended.stdout, result.ended.stderr) if result.ended else ()
    return "".join(stream.decode("utf-8", "replace") for stream in streams)


def _failures(failed: Sequence[CaseResult], limit: float) -> str:
    sections = "".join(_section(result, limit) for result in failed)
    names = "".join(f"    {result.case.name}\n" for result in failed)
    return f"\nfailures:\n\n{sections}\nfailures:\n{names}"


def _section(result: CaseResult, limit: float) -> str:
    note = reason(result, limit)
    words = "\n".join(text for text in (said(result).rstrip("\n"), f"note: {note}" if note else "") if text)
    return f"---- {result.case.name} stdout ----\n{words}\n\n"


def _count(number: int) -> str:
    return "1 test" if number == 1 else f"{number} tests"
