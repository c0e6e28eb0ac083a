from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.rust import module_files

NAMES = st.text("abm_", min_size=1)


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("user-rs/a/src/b.rs", "user-rs/a/src/b/mod.rs"),
        ("user-rs/a/src/b/mod.rs", "user-rs/a/src/b.rs"),
        ("user-rs/a/src/b/c.rs", "user-rs/a/src/b/c/mod.rs"),
        ("b.rs", "b/mod.rs"),
        ("mod.rs", ""),
        ("user-rs/a/src/table.in", ""),
        ("user-rs/a/README", ""),
    ],
)
def test_a_module_is_looked_for_in_two_places(path: str, other: str) -> None:
    assert module_files.other_place(path) == other


@given(st.lists(NAMES, min_size=1).map("/".join).filter(lambda path: not path.endswith("mod")))
def test_each_place_is_the_others_other_place(path: str) -> None:
    assert module_files.other_place(module_files.other_place(f"{path}.rs")) == f"{path}.rs"
