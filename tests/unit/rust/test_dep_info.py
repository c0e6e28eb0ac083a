from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.rust import dep_info
from ostoo_build.rust.dep_info import DepInfo

SHA = "1" * 64
PATHS = st.text(st.characters(exclude_characters="\\\0", exclude_categories=["C", "Z"]) | st.just(" "), min_size=1)


def write(files: dict[str, str], env: dict[str, str]) -> str:
    """What rustc writes (rustc_interface, `write_out_deps`), for one output."""
    escaped = {path.replace(" ", "\\ "): sha256 for path, sha256 in files.items()}
    rules = f"out.rmeta: {' '.join(escaped)}\n\n" + "".join(f"{path}:\n" for path in escaped)
    variables = "".join(
        f"# env-dep:{name}={value}\n".replace("\\", "\\\\") if value else f"# env-dep:{name}\n"
        for name, value in env.items()
    )
    sums = "".join(f"# checksum:sha256={sha256} file_len:3 {path}\n" for path, sha256 in escaped.items() if sha256)
    return f"{rules}\n{variables}\n{sums}"


def test_all_that_a_compilation_used_is_read() -> None:
    text = write(
        {"src/lib.rs": SHA, "/a b/core.rmeta": "", "build/@{x}.rs": SHA}, {"CARGO_PKG_NAME": "a=b", "GONE": ""}
    )
    found = dep_info.parse(text)
    assert found == DepInfo(
        {"src/lib.rs": SHA, "/a b/core.rmeta": "", "build/@{x}.rs": SHA}, {"CARGO_PKG_NAME": True, "GONE": False}
    )


@given(st.dictionaries(PATHS.filter(lambda path: not path.startswith("#")), st.sampled_from([SHA, ""]), max_size=4))
def test_names_come_back_as_they_were(files: dict[str, str]) -> None:
    assert dep_info.parse(write(files, {})).files == files


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c"])
def test_a_value_is_not_read_as_a_file(end: str) -> None:
    assert dep_info.parse(write({"a.rs": SHA}, {"CARGO_PKG_DESCRIPTION": f"a list{end}of it:"})).files == {"a.rs": SHA}
