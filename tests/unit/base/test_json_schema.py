import json
from pathlib import Path

import pytest

from ostoo_build.base import json_schema
from ostoo_build.base.errors import OstooError

SCHEMA = {"properties": {"sizes": {"items": {"type": "integer"}}}}


def load(folder: Path, text: str) -> object:
    schema = folder / "toy.schema.json"
    schema.write_text(json.dumps(SCHEMA))
    (folder / "toy.json").write_text(text)
    return json_schema.load(folder / "toy.json", schema, "the toy")


def test_a_document_that_fits_is_returned(tmp_path: Path) -> None:
    assert load(tmp_path, '{"sizes": [1]}') == {"sizes": [1]}


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('{"sizes": [1, "2"]}', "the toy violates its schema: '2' is not of type 'integer'", "#/sizes/1"),
        ('{\n"sizes": [}', "not valid JSON: Expecting value", ":2"),
        ("[" * 100_000, "not valid JSON: ", ""),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, what: str, where: str) -> None:
    with pytest.raises(OstooError) as caught:
        load(tmp_path, text)
    assert caught.value.what.startswith(what)
    assert caught.value.where == f"{tmp_path / 'toy.json'}{where}"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="can't read it: No such file"):
        json_schema.load(tmp_path / "none.json", tmp_path / "toy.schema.json", "the toy")


def test_what_keeps_to_its_schema_is_judged_once_for_all_checkouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    load(tmp_path / "a", '{"sizes": [1]}')
    monkeypatch.setattr(json_schema, "problems", lambda *_: pytest.fail("it was judged before"))
    assert load(tmp_path / "b", '{"sizes": [1]}') == {"sizes": [1]}
    with pytest.raises(pytest.fail.Exception):
        load(tmp_path / "a", '{"sizes": [2]}')
    monkeypatch.setitem(SCHEMA, "title", "another schema")
    with pytest.raises(pytest.fail.Exception):
        load(tmp_path / "a", '{"sizes": [1]}')


def test_what_breaks_its_schema_is_refused_each_time(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(OstooError, match="violates its schema"):
            load(tmp_path, '{"sizes": [""]}')


def test_another_version_of_the_judge_judges_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, '{"sizes": [1]}')
    monkeypatch.setattr("ostoo_build.base.own_source.digest_of", lambda _: "another")
    monkeypatch.setattr(json_schema, "problems", lambda *_: pytest.fail("judged"))
    with pytest.raises(pytest.fail.Exception):
        load(tmp_path, '{"sizes": [1]}')
