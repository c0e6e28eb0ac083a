import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import json_positions
from ostoo_build.base.errors import OstooError

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def refusal(folder: Path, content: str | bytes) -> str:
    path = folder / "spec.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OstooError) as caught:
        json_positions.read(path)
    return f"{caught.value.what} @{caught.value.where.removeprefix(str(path))}"


@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 3]))
def test_every_value_is_found_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory, document: Any, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("json") / "any.json"
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=False), encoding="utf-8", newline="")
    source = json_positions.read(path)
    assert source.value == document
    for pointer, offset in source.values.items():
        value, _end = json.JSONDecoder().raw_decode(source.text, offset)
        assert value == reduce(lambda outer, part: outer[part], pointer, document)
    for pointer, offset in source.names.items():
        assert json.JSONDecoder().raw_decode(source.text, offset)[0] == pointer[-1]


def test_lines_and_columns_count_from_one_and_in_characters(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{\n  "é": ["ü", 7],\n  "os": null\n}', encoding="utf-8")
    source = json_positions.read(path)
    assert source.position(()) == (1, 1)
    assert source.position(("é", 1)) == (2, 14)
    assert source.name_position(("os",)) == (3, 3)


def test_a_missing_member_stands_where_its_object_does(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text('{"a":\n{}}', encoding="utf-8")
    assert json_positions.read(path).position(("a", "b", "c")) == (2, 1)


def test_pointers_are_written_as_rfc_6901_does() -> None:
    assert json_positions.escaped(()) == ""
    assert json_positions.escaped(("a/b", "~", 0)) == "/a~1b/~0/0"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "the file is empty @"),
        (" \n", "the file is empty @"),
        ('{"a": 1} x', "not valid JSON: unexpected text after the end of the document @:1:10"),
        ('{"a": 1, "b": {\n"a": 1, "a": 2}}', 'not valid JSON: "a" occurs twice @:2:9'),
        ('{"a": 1,}', "not valid JSON: expected a name in double quotes @:1:9"),
        ('{"a": 1', "not valid JSON: expected ',', but the file ends here @:1:8"),
        ('{"a"}', "not valid JSON: expected ':' @:1:5"),
        ("[1 2]", "not valid JSON: expected ',' @:1:4"),
        ('{"a": }', "not valid JSON: expecting value @:1:7"),
        ('{"a": NaN}', "not valid JSON: JSON has no NaN @:1:7"),
        ('{"a": -Infinity}', "not valid JSON: JSON has no -Infinity @:1:7"),
        ('["\\ud800"]', "not valid JSON: invalid string: half of a surrogate pair is missing @:1:2"),
        ("\ufeff{}", "the file begins with a byte order mark @:1:1"),
        (b'{\n"\xff"}', "the file is not UTF-8 @:2"),
        ("[" * 100_000, "not valid JSON: the document is nested more than 64 levels deep @:1:66"),
        ('{"a": "' + "x" * json_positions.MAX_BYTES + '"}', "the file has more than 256 KiB @"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(tmp_path: Path, content: str | bytes, told: str) -> None:
    assert refusal(tmp_path, content) == told


def test_a_number_that_python_can_not_hold_is_told_with_its_place(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[" + "9" * 5000 + "]").endswith("@:1:2")


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't read it: Is a directory"):
        json_positions.read(tmp_path)
