from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.run import junit
from ostoo_build.run.launcher import RunResult
from ostoo_build.run.test_list import Executable
from ostoo_build.run.tests import Case, CaseResult, Status

EXECUTABLE = Executable("build/p.tests/bin-p", "bin", "p", "src/main.rs", "user-rs/p", (), True)  # noqa: FBT003 - a record


def result(name: str, verdict: Status, code: int | None, stdout: bytes = b"", stderr: bytes = b"") -> CaseResult:
    return CaseResult(Case(name, is_ignored=False), verdict, RunResult(code, stdout, stderr, 0.25))


def read(*results: CaseResult) -> ET.Element:
    return ET.fromstring(junit.document("p", {EXECUTABLE: results}, 60))  # noqa: S314 - our own


def test_each_test_is_a_case_and_counted() -> None:
    skipped = CaseResult(Case("skipped", is_ignored=True), Status.IGNORED, None)
    suites = read(
        result("ok", Status.OK, 50, b"out", b"err"), result("no", Status.FAILED, 101, b"why"), skipped,
        result("late", Status.FAILED, None),
    )  # fmt: skip
    (suite,) = suites
    for each in (suites, suite):
        counts = {name: each.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
        assert counts == {"tests": "4", "failures": "2", "errors": "0", "skipped": "1", "time": "0.750"}
    assert suite.get("name") == "p::bin::p"
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == ["late", "no", "ok", "skipped"]
    assert [element.tag for element in cases["skipped"]] == ["skipped"]
    assert [(element.tag, element.text) for element in cases["ok"]] == [("system-out", "out"), ("system-err", "err")]
    failures = {name: case.find("failure") for name, case in cases.items()}
    said = {name: (each.get("message"), each.text) for name, each in failures.items() if each is not None}
    assert said == {
        "no": ("it panicked", "why"),
        "late": ("it timed out after 60 s", None),
    }


@given(st.binary(max_size=60))
def test_any_output_is_well_formed_and_read_back(output: bytes) -> None:
    (suite,) = read(result("a", Status.FAILED, 101, output, output))
    text = suite[0].findtext("system-out") or ""
    assert text == suite[0].findtext("failure", "")[: len(text)]
    kept = output.decode("utf-8", "replace")
    assert all(character in text for character in kept if character.isprintable())


def test_what_xml_cannot_hold_is_shown() -> None:
    (suite,) = read(result("a", Status.OK, 50, b"\x1b[31mred\x00\r\n]]>&<\xff"))
    assert suite[0].findtext("system-out") == "\\x1b[31mred\\x00\\r\n]]>&<\ufffd"
