from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base.errors import OstooError
from ostoo_build.query import syntax
from ostoo_build.query.syntax import Call, Let, Names, Operation, Word


def test_each_form_is_read() -> None:
    assert syntax.parse("hello-std") == Word("hello-std", 1)
    assert syntax.parse("deps(a, 2)") == Call(Word("deps", 1), (Word("a", 6), Word("2", 9)))
    assert syntax.parse("set(a 'b c')") == Names((Word("a", 5), Word("b c", 7)))
    assert syntax.parse("let v = a in $v") == Let("v", Word("a", 9), Word("$v", 14))
    assert syntax.parse('kind("a(b", c)') == Call(Word("kind", 1), (Word("a(b", 6), Word("c", 13)))


@pytest.mark.parametrize(
    ("mark", "name"),
    [("+", "union"), ("union", "union"), ("-", "except"), ("except", "except"), ("^", "intersect")],
)
def test_operators_are_read_from_left_to_right(mark: str, name: str) -> None:
    a, b, c = (Word(text, at) for text, at in (("a", 1), ("b", 4 + len(mark)), ("c", 8 + len(mark))))
    assert syntax.parse(f"a {mark} b + c") == Operation("union", Operation(name, a, b), c)
    assert syntax.parse(f"a {mark} (b)") == Operation(name, a, Word("b", 5 + len(mark)))


@pytest.mark.parametrize(
    ("query", "at", "said"),
    [
        ("", 1, "the query ends, and a name"),
        ("deps(", 6, "the query ends, and a name"),
        ("deps(a", 7, "the query ends, and , or )"),
        ("deps(a b)", 8, "there is b, and , or )"),
        ("a b", 3, "there is b, and an operator"),
        ("a + )", 5, "there is ), and a name"),
        ("'a", 1, "a quote has no end"),
        ("let a b", 7, "there is b, and = is expected"),
        ("set(a", 6, "the query ends, and a name or )"),
    ],
)
def test_a_mistake_is_named_with_its_position_and_what_is_expected(query: str, at: int, said: str) -> None:
    with pytest.raises(OstooError) as refused:
        syntax.parse(query)
    assert refused.value.what.startswith(said)
    assert refused.value.what.endswith(f"at position {at} of the query")
    assert refused.value.where == f"{query}\n{' ' * (at - 1)}^"


@given(st.text("ab()+-^,$'\" =letinsd1", max_size=20))
def test_any_text_is_a_query_or_a_mistake(query: str) -> None:
    with contextlib.suppress(OstooError):
        syntax.parse(query)
