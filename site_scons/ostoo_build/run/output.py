"""Prints test results in the format of `cargo test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.run.tests import Verdict, how

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ostoo_build.run.tests import Case, Result

_PANIC = frozenset({101, -6})
"""How a test ends whose panic said all there is to say: by its exit code, or by SIGABRT."""


def listed(cases: Sequence[Case]) -> str:
    """The names alone, as libtest's `--list`."""
    names = "".join(f"{case.name}: test\n" for case in cases)
    return f"{names}\n{_count(len(cases))}, 0 benchmarks\n\n"


def begun(count: int) -> str:
    return f"\nrunning {_count(count)}\n"


def line(result: Result) -> str:
    return f"test {result.case.name} ... {result.verdict.value}\n"


def ended(results: Sequence[Result], filtered: int, seconds: float, limit: float) -> str:
    """What failed, with its output, and the sum."""
    failed = sorted((each for each in results if each.verdict is Verdict.FAILED), key=lambda each: each.case.name)
    verdict = "FAILED" if failed else "ok"
    counts = {each: sum(result.verdict is each for result in results) for each in Verdict}
    return (
        f"{_failures(failed, limit) if failed else ''}\n"
        f"test result: {verdict}. {counts[Verdict.OK]} passed; {counts[Verdict.FAILED]} failed; "
        f"{counts[Verdict.IGNORED]} ignored; 0 measured; {filtered} filtered out; finished in {seconds:.2f}s\n\n"
    )


def reason(result: Result, limit: float) -> str:
    """Why a test failed, where its own words may not say it."""
    if result.ended is None or result.ended.code in _PANIC:
        return ""
    return how(result.ended, limit)


def said(result: Result) -> str:
    """What a test wrote, to either stream."""
    streams = (result.ended.stdout, result.ended.stderr) if result.ended else ()
    return "".join(stream.decode("utf-8", "replace") for stream in streams)


def _failures(failed: Sequence[Result], limit: float) -> str:
    sections = "".join(_section(result, limit) for result in failed)
    names = "".join(f"    {result.case.name}\n" for result in failed)
    return f"\nfailures:\n\n{sections}\nfailures:\n{names}"


def _section(result: Result, limit: float) -> str:
    note = reason(result, limit)
    words = "\n".join(text for text in (said(result).rstrip("\n"), f"note: {note}" if note else "") if text)
    return f"---- {result.case.name} stdout ----\n{words}\n\n"


def _count(number: int) -> str:
    return "1 test" if number == 1 else f"{number} tests"
