from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.rust import dep_info
from ostoo_build.rust.dep_info import DepInfo

SHA = "1" * 64
PATHS = st.text(st.characters(exclude_characters="\\\0", exclude_categories=["C", "Z"]) | st.just(" "), min_size=1)


def escape(text: str) -> str:
    """What rustc does with variables (`escape_dep_env`)."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def write(files: dict[str, str], env: dict[str, str | None]) -> str:
    """What rustc writes (rustc_interface, `write_out_deps`), for one output."""
    escaped = {path.replace(" ", "\\ "): sha256 for path, sha256 in files.items()}
    rules = f"out.rmeta: {' '.join(escaped)}\n\n" + "".join(f"{path}:\n" for path in escaped)
    variables = "".join(
        f"# env-dep:{escape(name)}\n" if value is None else f"# env-dep:{escape(name)}={escape(value)}\n"
        for name, value in env.items()
    )
    sums = "".join(f"# checksum:sha256={sha256} file_len:3 {path}\n" for path, sha256 in escaped.items() if sha256)
    return f"{rules}\n{variables}\n{sums}"


def test_all_that_a_compilation_used_is_read() -> None:
    text = write(
        {"src/lib.rs": SHA, "/a b/core.rmeta": "", "build/@{x}.rs": SHA},
        {"CARGO_PKG_NAME": "a=b", "GONE": None, "EMPTY": ""},
    )
    found = dep_info.parse(text)
    assert found == DepInfo(
        {"src/lib.rs": SHA, "/a b/core.rmeta": "", "build/@{x}.rs": SHA},
        {"CARGO_PKG_NAME": "a=b", "GONE": None, "EMPTY": ""},
    )


@given(st.dictionaries(PATHS.filter(lambda path: not path.startswith("#")), st.sampled_from([SHA, ""]), max_size=4))
def test_names_come_back_as_they_were(files: dict[str, str]) -> None:
    assert dep_info.parse(write(files, {})).files == files


@given(
    st.dictionaries(
        st.text("A\\n\r=é", min_size=1).filter(lambda name: "=" not in name), st.none() | st.text("a\\n\n\r=é")
    )
)
def test_variables_come_back_as_they_were(env: dict[str, str | None]) -> None:
    assert dep_info.parse(write({}, env)).variables == env


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0c"])
def test_a_value_is_not_read_as_a_file(end: str) -> None:
    assert dep_info.parse(write({"a.rs": SHA}, {"CARGO_PKG_DESCRIPTION": f"a list{end}of it:"})).files == {"a.rs": SHA}
