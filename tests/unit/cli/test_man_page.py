from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from ostoo_build.cli import command_line, man_page

if TYPE_CHECKING:
    from pathlib import Path

PARSER = command_line.parser()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "ostoo.1"
    file.write_text(man_page.text(PARSER, "1.2.3"), encoding="utf-8")
    return file


def mandoc(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["mandoc", *words], env=os.environ, capture_output=True, text=True, check=False)


def test_it_is_right_but_for_a_date_which_would_differ_each_day(page: Path) -> None:
    told = mandoc("-T", "lint", "-W", "warning", page).stdout.splitlines()
    assert [line.partition(": ")[2].partition(":1:")[2] for line in told] == ['13: WARNING: missing date, using "": TH']


def test_it_shows_each_verb_option_and_example_as_it_is_typed(page: Path) -> None:
    shown = re.sub(r".\x08", "", mandoc("-T", "utf8", "-O", "width=200", page).stdout)
    assert "ostoo-build 1.2.3" in shown
    for verb, of_verb in PARSER.verbs.items():
        part = re.split(r"\n   (?=\S)", shown)[1 + list(PARSER.verbs).index(verb)]
        assert part.startswith(f"{verb}\n")
        assert of_verb.options().keys() - {*re.split(r"[ ,\n|]+", part)} == {"-h", "--help"}
    assert "ostoo completion bash > ~/.local/share/bash-completion/completions/ostoo\n" in shown
    assert "ostoo query 'somepath(hello-std, libc)'\n" in shown
