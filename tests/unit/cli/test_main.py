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
    "config",
    "doctor",
    "check",
    "clippy",
    "completion",
    "man",
}


@pytest.mark.parametrize("words", [[], ["help"]])
def test_help_names_each_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(words) == 0
    assert set(re.findall(r"^    ([a-z0-9-]+)(?:  |$)", capsys.readouterr().out, re.MULTILINE)) == VERBS


@pytest.mark.parametrize(
    "words",
    [
        ["cache"],
        ["run"],
        ["run", "hello-rs", "no-assignment"],
        ["test", "hello-rs", "--time-limit", "0"],
        ["test", "hello-rs", "--time-limit", "nan"],
        ["test", "hello-rs", "--ignored", "--include-ignored"],
        ["addr2line", "hello-rs"],
    ],
)
def test_words_that_mean_nothing_end_with_the_code_of_builds(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(words) == main.FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(rf"error: .+\n  help: ostoo {words[0]} --help shows what there is\n", said.err)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["biuld"], "error: ostoo does not know biuld\n  help: did you mean build?\n"),
        (["cache", "stat"], "error: ostoo cache does not know stat\n  help: did you mean stats?\n"),
        (
            ["--verison"],
            "error: ostoo does not know --verison\n  help: did you mean --version? ostoo --help shows what there is\n",
        ),
        (
            ["size", "hello-rs", "--al"],
            "error: ostoo size does not know --al\n  help: did you mean --all? ostoo size --help shows what there is\n",
        ),
        (
            ["test", "hello-rs", "--time-limits=3"],
            (
                "error: ostoo test does not know --time-limits=3\n"
                "  help: did you mean --time-limit? ostoo test --help shows what there is\n"
            ),
        ),
        (["run", "a", "--target=x"], "error: ostoo run does not know --target=x\n  help: write target=NAME\n"),
        (
            ["build", "a", "--profile", "dev"],
            "error: ostoo build does not know --profile\n  help: write profile=NAME\n",
        ),
        (
            ["clean", "-p", "a"],
            "error: ostoo clean does not know -p\n  help: write the program's name alone\n",
        ),
        (
            ["server", "stop", "now"],
            "error: ostoo server does not know now\n  help: ostoo server --help shows what there is\n",
        ),
        (
            ["check", "a", "--message-format", "sari"],
            "error: ostoo check --message-format does not know sari\n  help: did you mean sarif?\n",
        ),
    ],
)
def test_a_misspelt_word_is_told_with_the_one_that_was_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(words) == main.FAILED
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("words", [["help", "build"], ["build", "hello-rs", "--help"], ["build", "-h"]])
def test_a_build_has_the_help_of_a_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(words)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ostoo build ")


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
