from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from ostoo_build.ide import settings

PROGRAM = '/o s/"ostoo'
COMMAND = [PROGRAM, "ide", "--discover", "{arg}"]


@pytest.mark.parametrize("editor", settings.EDITORS)
def test_each_editor_is_told_the_command_in_a_hidden_file(editor: str) -> None:
    found = settings.of(editor, PROGRAM)
    assert Path(found.path).parts[0].startswith(".")
    words = [json.dumps(word) for word in COMMAND]
    assert all(word in found.text for word in words)
    assert found.text.endswith("\n")
    pairs = {"(": ")", "[": "]", "{": "}"}
    plain = re.sub(r'"(\\.|[^"\\])*"', "", found.text)
    assert all(plain.count(begin) == plain.count(end) for begin, end in pairs.items())


def test_settings_that_have_a_grammar_are_read_by_it() -> None:
    code = json.loads(settings.of("vscode", PROGRAM).text)
    assert code["rust-analyzer.workspace.discoverConfig"]["command"] == COMMAND
    zed = json.loads(settings.of("zed", PROGRAM).text)
    assert zed["lsp"]["rust-analyzer"]["initialization_options"] == settings.options(PROGRAM)
    helix = tomllib.loads(settings.of("helix", PROGRAM).text)
    assert helix["language-server"]["rust-analyzer"]["config"] == settings.options(PROGRAM)
