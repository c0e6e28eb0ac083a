from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ostoo_build.base import become, layout, own_files
from ostoo_build.cli import build

SITE_SCONS = Path(build.__file__).parents[2]
HEAVY = "{'argparse', 'msgspec', 'subprocess', 'dataclasses', 'inspect', 'tomllib', 'ostoo_build.cli.main'}"


@pytest.mark.parametrize(
    ("words", "at"),
    [([], 0), (["build"], 0), (["-C", "a", "build"], 2), (["-Ca", "-C", "b", "run"], 3), (["-C"], 2), (["-C", "a"], 2)],
)
def test_the_verb_comes_behind_the_names_of_folders(words: list[str], at: int) -> None:
    assert build.verb_at(words) == at


@pytest.mark.parametrize("words", [[], ["-C"], ["-C", "a"], ["run", "build"], ["--version"], ["help"]])
def test_what_is_no_build_starts_none(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("something was started"))
    build.start(words)


def test_a_build_loads_little_before_it_starts(tmp_path: Path) -> None:
    """What the other verbs need takes longer than a build with nothing to do."""
    (tmp_path / "ostoo.toml").touch()
    told = f"print(*sorted({HEAVY} & set(sys.modules)), flush=True)"
    script = (
        f"import os, sys; os.execv = lambda *_: ({told}, os._exit(0)); sys.argv[1:] = ['build', 'a']\n"
        "from ostoo_build.cli import __main__\n__main__.run()"
    )
    environment = {"PYTHONPATH": str(SITE_SCONS), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["a", "-j4", "-k", "profile=dev"], ["a", "-j4", "-k", "profile=dev"]),
        (["-q", "a"], ["--silent", "a"]),
        (["a", "--quiet"], ["a", "--silent"]),
        (["a", "-v"], ["a", "--verbose"]),
        (["a", "-vv"], ["a", "--verbose", "--verbose"]),
        (["-kv", "--verbose"], ["-k", "--verbose", "--verbose"]),
        (["-s", "-H", "--", "-"], ["-s", "-H", "--", "-"]),
        (["--events", "/a/b", "-k"], ["-k", "--events=/a/b"]),
        (["--events=c", "a"], ["a", f"--events={Path.cwd()}/c"]),
        (["a", "--events"], ["a", "--events"]),
    ],
)
def test_a_builds_options_are_handed_on_and_those_for_display_translated(
    words: list[str], asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(become, "exec_program", lambda command, **_: started.append(command))
    (tmp_path / layout.DESCRIPTION).touch()
    build.start(["-C", str(tmp_path), "build", *words])
    build.start(["-C", str(tmp_path), "clean", *words])
    assert started == [own_files.build_command(asked), own_files.build_command(["-c", *asked])]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["a"], ["a.check"]),
        (["a", "-k", "profile=dev", "b"], ["a.check", "-k", "profile=dev", "b.check"]),
        (["a", "--message-format", "json"], None),
        (["--all"], None),
        (["a v0.1.0 [loud]"], None),
        (["a@target"], None),
        (["profile=dev"], None),
        ([], None),
    ],
)
def test_a_check_of_programs_alone_is_a_build(
    words: list[str], asked: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(become, "exec_program", lambda command, **_: started.append(command))
    (tmp_path / layout.DESCRIPTION).touch()
    build.start(["-C", str(tmp_path), "check", *words])
    assert started == ([own_files.build_command(asked)] if asked else [])
