from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import github_commands, rendered
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.base.github_commands import Place

if TYPE_CHECKING:
    from pathlib import Path

RUSTC = """\
error[E0425]: cannot find value `missing` in this scope
  --> user-rs/a.rs:3:9
   |
3  |     missing
   |     ^^^^^^^ not found in this scope

warning: unused: 100%, twice
 --> user-rs/a,b.rs:1:1
  |
  = note: on by default

error: linking failed
  |
  = note: said ld

error: aborting due to 2 previous errors; 1 warning emitted

For more information about this error, try `rustc --explain E0425`.
warning: 1 warning emitted

"""

COMMANDS = [
    "::error file=os/user-rs/a.rs,line=3,col=9,title=E0425::cannot find value `missing` in this scope\n",
    "::warning file=os/user-rs/a%2Cb.rs,line=1,col=1::unused: 100%25, twice\n",
    "::error::linking failed\n",
]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "user-rs").mkdir()
    for name in ("a.rs", "a,b.rs"):
        (tmp_path / "user-rs" / name).write_text("")


def test_each_diagnostic_of_rustc_is_a_command(tmp_path: Path) -> None:
    assert list(github_commands.commands(rendered.read(RUSTC), Place(str(tmp_path), "os"))) == COMMANDS


def test_an_error_of_the_build_is_a_command_with_its_file(tmp_path: Path) -> None:
    error = OstooError("the value\nis bad", where="user-rs/a.rs:7", remedy="write another\none")
    assert list(github_commands.commands(rendered.read(f"{error}\n"), Place(str(tmp_path), "."))) == [
        "::error file=user-rs/a.rs,line=7::the value%0A  is bad\n"
    ]
    elsewhere = OstooError("there is no program a", where='env.RustProgram("a")', remedy="name another")
    assert list(github_commands.commands(rendered.read(f"{elsewhere}\n"), Place(str(tmp_path), "."))) == [
        "::error::there is no program a\n"
    ]
    outside = OstooError("no space left", where="/dev/full")
    assert list(github_commands.commands(rendered.read(f"{outside}\n"), Place(str(tmp_path), "."))) == [
        "::error::no space left\n"
    ]


@pytest.mark.parametrize("text", ["", "   Compiling core\n", "note: nothing\n", " error: indented\n", "errors: none\n"])
def test_what_is_no_diagnostic_is_none(text: str, tmp_path: Path) -> None:
    assert list(github_commands.commands(rendered.read(text), Place(str(tmp_path), "."))) == []


@pytest.mark.parametrize(
    ("environ", "root", "expected"),
    [
        ({}, "/w/os", None),
        ({"GITHUB_ACTIONS": "false", "GITHUB_WORKSPACE": "/w"}, "/w/os", None),
        ({"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w"}, "/w/os", "os"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w/os"}, "/w/os", "."),
        ({"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w/o"}, "/w/os", "."),
        ({"GITHUB_ACTIONS": "true"}, "/w/os", "."),
    ],
)
def test_files_are_named_from_the_top_of_the_repository(
    environ: dict[str, str], root: str, expected: str | None
) -> None:
    assert github_commands.place(environ, root) == (expected and Place(root, expected))


def test_the_console_writes_commands_after_the_words(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    console = Console.of(environ)
    monkeypatch.chdir("/")  # SCons goes where scripts are
    coloured = RUSTC.replace("error", "\x1b[1m\x1b[91merror\x1b[0m")
    commands = "".join(COMMANDS).replace("os/", "")
    console.messages(coloured)
    assert capsys.readouterr().err == RUSTC + commands
    console.messages(coloured)
    assert capsys.readouterr().err == "", "neither is told twice"
    console.warn_once("the cache is off")
    console.error(OstooError("no"))
    assert capsys.readouterr().err == (
        "warning: the cache is off\n::warning::the cache is off\nerror: no\n::error::no\n"
    )
    monkeypatch.chdir(tmp_path)
    Console.of({**environ, "FORCE_COLOR": "1"}).messages(coloured)
    assert capsys.readouterr().err == coloured + commands
    Console.of({}).messages(coloured)
    assert capsys.readouterr().err == RUSTC
