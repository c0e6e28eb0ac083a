from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import toml_tables
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def test_a_table_is_found_by_its_keys() -> None:
    assert toml_tables.table({"a": {"b": {"c": 1}}}, "a", "b", where="w") == {"c": 1}
    assert toml_tables.table({"a": {}}, "a", "b", where="w") == toml_tables.table({}, "a", where="w") == {}


@pytest.mark.parametrize(
    ("document", "what"),
    [([], "the document is not a table"), ({"a": 1}, "a is not a table"), ({"a": {"b": []}}, "a.b is not a table")],
)
def test_what_is_no_table_is_named(document: Any, what: str) -> None:
    with pytest.raises(OstooError) as caught:
        toml_tables.table(document, "a", "b", where="Cargo.toml")
    assert (caught.value.what, caught.value.where) == (what, "Cargo.toml")


READERS: list[tuple[Callable[[dict[str, Any], str, str], Any], Any, Any, str]] = [
    (toml_tables.tables, [{"b": 1}], [], "a is not an array of tables"),
    (toml_tables.text, "x", None, "a is (missing|not a string)"),
    (toml_tables.texts, ["x"], [], "a is not an array of strings"),
]


@pytest.mark.parametrize(("read", "good", "absent", "what"), READERS)
def test_a_value_is_what_it_should_be_or_is_refused(
    read: Callable[[dict[str, Any], str, str], Any], good: Any, absent: Any, what: str
) -> None:
    assert read({"a": good}, "a", "w") == good
    if absent is not None:
        assert read({}, "a", "w") == absent
    others: list[Any] = [1, True, {}, [1], [None], [["x"]], None if absent is None else "x"]
    for other in others:
        with pytest.raises(OstooError, match=what) as caught:
            read({"a": other}, "a", "Cargo.toml")
        assert caught.value.where == "Cargo.toml"


@given(VALUES)
def test_whatever_stands_there_is_taken_or_refused(document: Any) -> None:
    """Never another exception, and never a value of another type."""
    try:
        found = toml_tables.table(document, "a", "b", where="w")
        tables = toml_tables.tables(found, "c", "w")
        texts = toml_tables.texts(found, "c", "w")
    except OstooError:
        return
    assert (tables, texts) == ([], [])
