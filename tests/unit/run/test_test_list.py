from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base.errors import OstooError
from ostoo_build.run import test_list
from ostoo_build.run.test_list import Executable

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(max_size=5)
EXECUTABLES = st.builds(
    Executable, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.lists(st.tuples(TEXTS, TEXTS)).map(tuple), st.booleans()
)
MAIN = Executable("build/a", "bin", "a", "src/main.rs", "user-rs/a", (), has_harness=True)


@given(st.lists(EXECUTABLES, max_size=3).map(tuple))
def test_a_list_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[Executable, ...]
) -> None:
    path = tmp_path_factory.getbasetemp() / "suite.json"
    path.write_bytes(test_list.to_bytes(made))
    assert test_list.load(path) == made


def test_an_executable_is_called_as_cargo_calls_it() -> None:
    assert MAIN.title == "unittests src/main.rs"
    of_tests = Executable("build/t", "test", "t", "tests/t.rs", "user-rs/a", (), has_harness=True)
    assert of_tests.title == "tests/t.rs"


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b"[" * 100_000, None])
def test_what_is_no_list_is_one_message(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "suite.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OstooError, match="can't read the list of tests") as caught:
        test_list.load(path)
    assert caught.value.where == str(path)
