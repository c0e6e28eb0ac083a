from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import digest

if TYPE_CHECKING:
    from collections.abc import Callable

OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LARGE = 1 << 20
"""Bytes above which a thread hashes a file."""
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


@pytest.mark.parametrize("size", [0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1])
def test_files_have_the_digest_of_their_contents_whatever_their_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    assert digest.of_file(tmp_path / "file") == digest.of_bytes((tmp_path / "file").read_bytes())


@given(st.lists(st.sampled_from([0, 5, LARGE, LARGE + 1, LARGE + 2]), max_size=5))
def test_many_files_are_hashed_as_each_is_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "sized"
    folder.mkdir(exist_ok=True)
    for size in sizes:
        (folder / str(size)).write_bytes(b"x" * size)
    paths = [folder / str(size) for size in sizes]
    assert digest.of_files(paths) == [digest.of_file(path) for path in paths]


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_regular_files_are_hashed(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd")
    for read in (digest.of_file, digest.opened, lambda path: digest.of_files([path])):
        with pytest.raises(OSError, match=r"odd|regular"):
            read(tmp_path / "odd")


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
