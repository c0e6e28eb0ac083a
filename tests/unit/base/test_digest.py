from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import digest

if TYPE_CHECKING:
    from pathlib import Path

OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_a_digest_is_plain_sha256(tmp_path: Path) -> None:
    assert digest.of_bytes(b"") == OF_NOTHING
    large = b"0123456789abcdef" * 70_000
    (tmp_path / "large").write_bytes(large)
    assert digest.of_file(tmp_path / "large") == digest.of_bytes(large)


@given(JSON)
def test_canonical_json_keeps_the_value(value: object) -> None:
    assert json.loads(digest.canonical_json(value)) == value


@given(st.dictionaries(st.text(), JSON, min_size=2))
def test_the_order_of_keys_does_not_count(value: dict[str, object]) -> None:
    assert digest.of_json(dict(reversed(value.items()))) == digest.of_json(value)


@given(JSON, JSON)
def test_different_values_have_different_digests(one: object, other: object) -> None:
    assert (digest.of_json(one) == digest.of_json(other)) == (
        json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def test_a_list_is_not_its_parts_run_together() -> None:
    assert len({digest.of_json(value) for value in (["ab", "c"], ["a", "bc"], ["abc"], [["ab"], "c"], "abc")}) == 5


def test_file_names_that_are_no_unicode_can_be_hashed() -> None:
    name = b"odd-\xff".decode("utf-8", "surrogateescape")
    assert digest.canonical_json([name]) == b'["odd-\xff"]'
