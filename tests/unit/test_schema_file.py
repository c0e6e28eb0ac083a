import json
from pathlib import Path

import pytest

from ostoo_build import schema_file
from ostoo_build.errors import OstooError

SCHEMA = {"properties": {"sizes": {"items": {"type": "integer"}}}}


def load(folder: Path, text: str) -> object:
    (folder / "toy.schema.json").write_text(json.dumps(SCHEMA))
    (folder / "toy.json").write_text(text)
    return schema_file.load(folder / "toy.json", "toy.schema.json", "the toy")


def test_a_document_that_fits_is_returned(tmp_path: Path) -> None:
    assert load(tmp_path, '{"sizes": [1]}') == {"sizes": [1]}


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('{"sizes": [1, "2"]}', "the toy breaks its schema: '2' is not of type 'integer'", "#/sizes/1"),
        ('{\n"sizes": [}', "not JSON: Expecting value", ":2"),
        ("[" * 100_000, "not JSON: ", ""),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, what: str, where: str) -> None:
    with pytest.raises(OstooError) as caught:
        load(tmp_path, text)
    assert caught.value.what.startswith(what)
    assert caught.value.where == f"{tmp_path / 'toy.json'}{where}"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't read it: No such file"):
        schema_file.load(tmp_path / "none.json", "toy.schema.json", "the toy")
