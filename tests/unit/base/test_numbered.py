from __future__ import annotations

import json

import pytest
from msgspec import Struct

from ostoo_build.base import numbered
from ostoo_build.base.state_file import FORMAT


class Pair(Struct, frozen=True):
    one: int
    two: tuple[str, ...] = ()


def test_what_this_version_wrote_is_read() -> None:
    pair = Pair(1, ("a",))
    written = numbered.to_builtins(pair)
    assert written == {"format": FORMAT, "one": 1, "two": ("a",)}
    assert numbered.from_json(json.dumps(written).encode(), Pair) == pair


@pytest.mark.parametrize("number", [0, 1, FORMAT + 1, None])
def test_what_another_version_wrote_is_not(number: int | None) -> None:
    written = numbered.to_builtins(Pair(1)) | {"format": number}
    other = {name: value for name, value in written.items() if value is not None}
    with pytest.raises(numbered.OtherFormatError):
        numbered.from_json(json.dumps(other).encode(), Pair)


@pytest.mark.parametrize(
    "text", ["", "[]", "1", '{"format": "2"}', f'{{"format": {FORMAT}}}', f'{{"format": {FORMAT}, "one": ""}}']
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expected|missing|Input") as caught:
        numbered.from_json(text.encode(), Pair)
    assert not isinstance(caught.value, numbered.OtherFormatError)
