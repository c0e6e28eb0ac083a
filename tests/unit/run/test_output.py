from __future__ import annotations

from ostoo_build.run import output as test_output
from ostoo_build.run.launcher import RunResult
from ostoo_build.run.tests import Case, CaseResult, Status


def result(name: str, verdict: Status, code: int | None, stdout: str = "", stderr: str = "") -> CaseResult:
    return CaseResult(Case(name, is_ignored=False), verdict, RunResult(code, stdout.encode(), stderr.encode(), 0.25))


IGNORED = CaseResult(Case("c", is_ignored=True), Status.IGNORED, None)


def test_success_is_told_as_cargo_tells_it() -> None:
    results = [result("a::b", Status.OK, 50, "unseen"), IGNORED]
    assert test_output.begun(2) == "\nrunning 2 tests\n"
    assert "".join(map(test_output.line, results)) == "test a::b ... ok\ntest c ... ignored\n"
    assert test_output.ended(results, 3, 0.048, 60) == (
        "\ntest result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.05s\n\n"
    )


def test_failures_are_told_with_their_output_in_the_order_of_names() -> None:
    results = [
        result("late", Status.FAILED, None, "so far\n"),
        result("good", Status.OK, 50),
        result("bad", Status.FAILED, -6, "said\n", "\npanicked\n"),
        result("shot", Status.FAILED, -11),
        result("left", Status.FAILED, 0),
    ]
    assert test_output.ended(results, 0, 1, 2.5) == (
        "\nfailures:\n\n"
        "---- bad stdout ----\nsaid\n\npanicked\n\n"
        "---- late stdout ----\nso far\nnote: it timed out after 2.5 s\n\n"
        "---- left stdout ----\nnote: it ended with exit code 0\n\n"
        "---- shot stdout ----\nnote: it was killed by signal 11\n\n"
        "\nfailures:\n    bad\n    late\n    left\n    shot\n"
        "\ntest result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n\n"
    )


def test_one_test_is_no_plural() -> None:
    assert test_output.begun(1) == "\nrunning 1 test\n"
    assert test_output.listed([Case("a", is_ignored=False)]) == "a: test\n\n1 test, 0 benchmarks\n\n"
