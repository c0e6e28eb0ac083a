from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from screens import terminal

from ostoo_build.base import layout
from ostoo_build.cli import command_line, completion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from screens import Terminal

PROGRAMS = {"hello-rs", "hello-std", "examples/loud"}
FORMS = {"human", "json", "github", "sarif"}

CASES: dict[str, set[str]] = {
    "ostoo bui": {"build"},
    "ostoo -C .. -Csub why": {"why", "why-miss"},
    "ostoo --ver": {"--version"},
    "ostoo run ": PROGRAMS,
    "ostoo run hello": {"hello-rs", "hello-std"},
    "ostoo run hello-rs tar": {"target="},
    "ostoo run hello-rs hello": set(),
    "ostoo build hello-rs hello-s": {"hello-std"},
    "ostoo -C other run ": {"of-another"},
    "ostoo build -j hello-rs ex": {"examples/loud"},
    "ostoo build target=": {"target=arm", "target=x86"},
    "ostoo build hello-rs profile=r": {"profile=release"},
    "ostoo check --message-format ": FORMS,
    "ostoo check --message-format=sa": {"--message-format=sarif"},
    "ostoo check --message-format sarif hello-r": {"hello-rs"},
    "ostoo test hello-rs --time": {"--time-limit"},
    "ostoo cache ": {"stats", "verify", "gc", "clear"},
    "ostoo server st": {"status", "stop"},
    "ostoo fmt hello": set(),
    "ostoo nosuch hello": set(),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which builds remember programs, with another one and a folder in it; the latter is returned."""
    for name in ("x86/release/hello-rs", "x86/dev/hello-std", "arm/release/hello-rs", "x86/dev/examples/loud"):
        note(tmp_path / "a b", name)
    note(tmp_path / "a b/sub/other", "x86/release/of-another")
    return tmp_path / "a b/sub"


def note(root: Path, name: str) -> None:
    path = root / f"{layout.PROGRAMS}/{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    (root / layout.DESCRIPTION).touch()


def script(shell: str, project: Path) -> Path:
    file = project.parent.parent / f"ostoo.{shell}"
    file.write_text(completion.script(shell, command_line.parser()), encoding="utf-8")
    return file


def run(argv: list[str], project: Path) -> list[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(project), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(argv, cwd=project, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", CASES)
def test_bash_completes(line: str, project: Path) -> None:
    """It replaces what stands behind a `=`."""
    ask = 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _ostoo; printf "%s\\n" "${COMPREPLY[@]}"'
    found = run(["bash", "--norc", "-c", ask, "bash", str(script("bash", project)), line], project)
    assert {*filter(None, found)} == {word.rpartition("=")[2] or word for word in CASES[line]}


@pytest.mark.parametrize("line", CASES)
def test_fish_completes(line: str, project: Path) -> None:
    ask = "source $argv[1]; complete -C $argv[2]"
    found = run(["fish", "--no-config", "-c", ask, str(script("fish", project)), line], project)
    assert {word.partition("\t")[0] for word in found} == CASES[line]


PROBE = """\
compadd() {
    local -a hits
    builtin compadd -A hits "$@"
    print -rl -- $hits >> $FOUND
}
probe() { : > $FOUND; _ostoo; zle -M "asked $((++asked))" }
zle -C probe list-choices probe
bindkey '^G' probe
PROMPT='ready '
"""


@pytest.fixture
def zsh(project: Path) -> Iterator[Terminal]:
    """An interactive zsh; one that is unpacked has its modules elsewhere."""
    beside = Path(shutil.which("zsh") or pytest.fail("zsh is not on PATH")).parent
    modules = [str(path) for path in beside.glob("usr/lib/*/zsh/5*")]
    own = f"module_path=({' '.join(modules)} $module_path)\nzmodload zsh/zle\nsetopt zle\n"
    (project.parent.parent / "rc").write_text(f"{own}source '{script('zsh', project)}'\n{PROBE}", encoding="utf-8")
    environ = {"PATH": os.environ["PATH"], "HOME": str(project), "FOUND": str(project.parent.parent / "found")}
    with terminal(["zsh", "-f", "-i"], cwd=project, environ={**environ, "LC_ALL": "C.UTF-8"}) as shell:
        shell.type(f"source '{project.parent.parent / 'rc'}'\n")
        shell.until(lambda rows: rows[-1:] == ["ready"])
        yield shell


def is_answer(number: int) -> Callable[[list[str]], bool]:
    return lambda rows: any(row.startswith(f"asked {number}") for row in rows)


def test_zsh_completes(zsh: Terminal, project: Path) -> None:
    answers = {}
    for number, line in enumerate(CASES, 1):
        zsh.type(f"\x15{line}\x07")
        zsh.until(is_answer(number))
        answers[line] = {*filter(None, (project.parent.parent / "found").read_text().splitlines())}
    assert answers == CASES


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_starts_no_program(shell: str) -> None:
    """A prompt waits for it; `cd`, `complete` and the like are the shell's own."""
    text = completion.script(shell, command_line.parser())
    assert "@" not in text.replace("@{", "").replace('"$@"', "").replace("${(@", "").replace("[@]", "")
    assert layout.PROGRAMS in text
    for name in ("python", "sed", "awk", "grep", "find ", "$(ostoo", "(ostoo"):
        assert name not in text


def test_what_a_verb_takes_is_told_by_its_parser() -> None:
    parser = command_line.parser()
    parser.verbs["size"].add_argument("--all-new", choices=("one", "two"), help="a new option")
    for shell in ("bash", "zsh", "fish"):
        assert "a new option" in completion.script(shell, parser)


def test_the_script_for_bash_is_sound(tmp_path: Path) -> None:
    """Its templates are no scripts, so the linter of the checkout's scripts does not look at them."""
    file = tmp_path / "ostoo.bash"
    file.write_text(completion.script("bash", command_line.parser()), encoding="utf-8")
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert shellcheck
    done = subprocess.run([shellcheck, "--shell=bash", str(file)], capture_output=True, text=True, check=False)
    assert done.stdout == ""
