from __future__ import annotations

import tomllib

import pytest

from ostoo_build.base import toml_entries

DOCUMENT = """\
# a comment \u2028 with an odd space
a = 1

b = [
    "x", # y
]
[table.of]
"quoted key" = '''
[not.a.header]
'''
c.d = { e = 1, f = [] }
[[several]]
g = 1
[[several]]
g = 2
[several.inner]
h = [{ i = 1 }, { i = 2 }]
"""


def test_each_entry_has_its_line_and_its_text() -> None:
    found = [*toml_entries.entries(DOCUMENT)]
    assert "".join(entry.text for entry in found) == DOCUMENT
    assert [(entry.line, entry.document) for entry in found if entry.document] == [
        (2, {"a": 1}),
        (4, {"b": ["x"]}),
        (7, {"table": {"of": {}}}),
        (8, {"quoted key": "[not.a.header]\n"}),
        (11, {"c": {"d": {"e": 1, "f": []}}}),
        (12, {"several": [{}]}),
        (13, {"g": 1}),
        (14, {"several": [{}]}),
        (15, {"g": 2}),
        (16, {"several": {"inner": {}}}),
        (17, {"h": [{"i": 1}, {"i": 2}]}),
    ]


def test_keys_have_lines() -> None:
    found = toml_entries.lines(DOCUMENT)
    assert found == {
        ("a",): 2,
        ("b",): 4,
        ("table", "of"): 7,
        ("table", "of", "quoted key"): 8,
        ("table", "of", "c", "d", "e"): 11,
        ("table", "of", "c", "d", "f"): 11,
        ("several", "0"): 12,
        ("several", "0", "g"): 13,
        ("several", "1"): 14,
        ("several", "1", "g"): 15,
        ("several", "1", "inner"): 16,
        ("several", "1", "inner", "h", "0", "i"): 17,
        ("several", "1", "inner", "h", "1", "i"): 17,
    }
    assert [key for key, _ in toml_entries.leaves(tomllib.loads(DOCUMENT)) if key not in found] == []


@pytest.mark.parametrize("text", ["", "\n", "# nothing"])
def test_a_document_without_keys_has_none(text: str) -> None:
    assert toml_entries.lines(text) == {}
