"""Writes test results as JUnit XML, which CI services read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.run.output import reason, said
from ostoo_build.run.tests import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.run.test_list import Executable
    from ostoo_build.run.tests import CaseResult

_NOT_XML = lazy_pattern("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 excludes (section 2.2), and the carriage return, which it would convert to a line feed."""


def document(program: str, results: Mapping[Executable, Sequence[CaseResult]], limit: float) -> bytes:
    """Return a `testsuites` element with a `testsuite` for each executable."""
    every = [result for some in results.values() for result in some]
    root = ET.Element("testsuites", {"name": _clean(program), **_counts(every)})
    for executable, some in results.items():
        name = f"{program}::{executable.kind}::{executable.target}"
        suite = ET.SubElement(root, "testsuite", {"name": _clean(name), **_counts(some)})
        for result in sorted(some, key=lambda each: each.case.name):
            _add(suite, name, result, limit)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ET.Element, name: str, result: CaseResult, limit: float) -> None:
    seconds = f"{result.ended.seconds:.3f}" if result.ended else "0.000"
    case = ET.SubElement(suite, "testcase", name=_clean(result.case.name), classname=_clean(name), time=seconds)
    if result.verdict is Status.IGNORED:
        ET.SubElement(case, "skipped")
    if result.verdict is Status.FAILED:
        message = reason(result, limit) or "it panicked"
        ET.SubElement(case, "failure", message=message).text = _clean(said(result))
    if result.ended:
        for tag, stream in (("system-out", result.ended.stdout), ("system-err", result.ended.stderr)):
            ET.SubElement(case, tag).text = _clean(stream.decode("utf-8", "replace"))


def _counts(results: Sequence[CaseResult]) -> dict[str, str]:
    def number(verdict: Status) -> str:
        return str(sum(result.verdict is verdict for result in results))

    seconds = sum(result.ended.seconds for result in results if result.ended)
    return {
        "tests": str(len(results)),
        "failures": number(Status.FAILED),
        "errors": "0",
        "skipped": number(Status.IGNORED),
        "time": f"{seconds:.3f}",
    }


def _clean(text: str) -> str:
    """Escape characters that XML can't represent, as Python writes them."""
    return _NOT_XML.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
