from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.check import suggestions
from ostoo_build.check.suggestions import Replacement, Suggestion


def span(start: int, end: int, text: str | None, file: str = "a.rs", sure: str = "MachineApplicable") -> dict[str, Any]:
    return {
        "file_name": file,
        "byte_start": start,
        "byte_end": end,
        "suggested_replacement": text,
        "suggestion_applicability": sure,
    }


def diagnostic(*children: list[dict[str, Any]]) -> dict[str, Any]:
    return {"children": [{"spans": spans} for spans in children]}


def test_only_what_needs_no_human_is_taken_and_once() -> None:
    sure = diagnostic([span(0, 1, "x"), span(2, 3, ""), span(0, 1, "x")])
    others = [
        diagnostic([span(0, 1, "x", sure="MaybeIncorrect")]),
        diagnostic([span(0, 1, None)]),
        diagnostic([]),
        diagnostic([span(0, 1, "x"), span(0, 1, "x", file="b.rs")]),
    ]
    wanted = Suggestion("a.rs", (Replacement(0, 1, b"x"), Replacement(2, 3, b"")))
    assert suggestions.of([sure, *others, sure]) == [wanted]


def made(*replacements: tuple[int, int, str]) -> Suggestion:
    return Suggestion("a.rs", tuple(Replacement(start, end, text.encode()) for start, end, text in replacements))


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        ([made((0, 1, "A"), (4, 6, "EF"))], "AbcdEF"),
        ([made((0, 3, "x")), made((2, 4, "y"))], "xdef"),
        ([made((1, 1, "-")), made((1, 1, "+"))], "a-bcdef"),
        ([made((1, 2, "B")), made((1, 2, "B"), (3, 4, "D"))], "aBcDef"),
        ([made((0, 1, "A"), (0, 2, "B"))], "abcdef"),
        ([made((0, 99, "A"))], "abcdef"),
        ([made((2, 4, "")), made((4, 4, "é"))], "abéef"),
    ],
)
def test_a_suggestion_is_applied_whole_or_not_at_all(asked: list[Suggestion], result: str) -> None:
    assert suggestions.applied(b"abcdef", asked).decode() == result


PLACES = st.lists(st.integers(0, 30), min_size=2, max_size=2).map(sorted)


@given(st.lists(st.tuples(PLACES, st.text("XYZ", max_size=3)), max_size=8))
def test_what_is_not_replaced_stays_in_order(found: list[tuple[list[int], str]]) -> None:
    content = b"abcdefghijklmnopqrstuvwxyz0123"
    asked = [made((start, end, text)) for (start, end), text in found]
    left = bytes(byte for byte in suggestions.applied(content, asked) if byte not in b"XYZ")
    rest = iter(content)
    assert all(byte in rest for byte in left), "a subsequence"
    covered = {at for each in asked for part in each.replacements for at in range(part.start, part.end)}
    assert {content[at] for at in range(len(content)) if at not in covered} <= {*left}
