from __future__ import annotations

import pytest

from ostoo_build.start.finding import CHECKS, Finding, State, from_line, line


def test_a_finding_travels_as_a_line() -> None:
    finding = Finding("disk", State.ERROR, "1 B", "two\nlines, ü", "remove files")
    assert line(finding).count(b"\n") == 1
    assert from_line(line(finding)) == finding


@pytest.mark.parametrize(
    "text",
    [b"", b"warning: something", b"1\n", b"{}\n", b'{"check": "a", "state": "nosuch"}', b'{"state": "ok"}', b"\xff"],
)
def test_what_is_no_finding_is_none(text: bytes) -> None:
    assert from_line(text) is None


def test_checks_are_named_once() -> None:
    assert len(CHECKS) == len(set(CHECKS)) > 20
