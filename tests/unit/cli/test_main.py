from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ostoo_build.cli import cache, main

if TYPE_CHECKING:
    from pathlib import Path

VERBS = {
    "build",
    "clean",
    "init",
    "new",
    "why",
    "why-miss",
    "watch",
    "server",
    "query",
    "run",
    "doc",
    "fix",
    "fmt",
    "gdb",
    "ide",
    "addr2line",
    "graph",
    "affected",
    "boot",
    "test",
    "tree",
    "stack",
    "size",
    "cache",
    "check",
    "clippy",
}


@pytest.mark.parametrize("words", [[], ["help"]])
def test_help_names_each_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(words) == 0
    assert set(re.findall(r"^    ([a-z0-9-]+)(?:  |$)", capsys.readouterr().out, re.MULTILINE)) == VERBS


@pytest.mark.parametrize(
    "words",
    [
        ["nosuch"],
        ["cache"],
        ["cache", "nosuch"],
        ["run"],
        ["run", "hello-rs", "no-assignment"],
        ["size", "hello-rs", "--nosuch"],
        ["stack", "hello-rs", "--al"],
        ["test", "hello-rs", "--time-limit", "0"],
        ["test", "hello-rs", "--time-limit", "nan"],
        ["test", "hello-rs", "--ignored", "--include-ignored"],
        ["addr2line", "hello-rs"],
    ],
)
def test_words_that_mean_nothing_end_with_the_code_of_builds(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(words)
    assert caught.value.code == main.FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: " in said.err


def test_what_a_verb_says_goes_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["cache", "--cache", str(tmp_path / "cache"), "stats"]) == 0
    assert main.main(["cache", "stats", "--cache", str(tmp_path / "cache")]) == 0
    said = capsys.readouterr()
    assert said.out.count(f"folder   {tmp_path}/cache\n") == 2
    assert said.err == ""


def test_a_users_mistake_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter").touch()
    assert main.main(["cache", "--cache", str(tmp_path), "clear"]) == main.FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: this folder is not a cache of this build")
    assert said.err.count("\n") == 3
    assert (tmp_path / "letter").exists()


def test_what_ctrl_c_ended_has_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "perform", interrupted)
    assert main.main(["cache", "--cache", str(tmp_path / "cache"), "stats"]) == main.INTERRUPTED
