"""First and later starts of `sconsw` in a copy of it, with SCons as the only package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.xdist_group("sconsw")  # else each worker makes a `started` of its own

PROJECT = Path(__file__).parents[2]
BASE = "  Installing the packages of requirements.txt: some 20 MB to download, 100 MB unpacked"
FOR_TESTS = "  Installing the packages of requirements-dev.txt: some 30 MB to download, 130 MB unpacked"
FOR_SITE = "  Installing the packages of requirements-docs.txt: some 30 MB to download, 120 MB unpacked"
SCONSTRUCT = 'print("in", GetLaunchDir(), ARGUMENTS)\nfor name in ("all", "test"):\n    Default(Alias(name))\n'


def copy_launcher(folder: Path) -> Path:
    """A project with little to install: `test` needs pygments and mergedeep besides SCons."""
    (folder / "site_scons").mkdir(parents=True)
    shutil.copytree(PROJECT / "site_scons/ostoo_build", folder / "site_scons/ostoo_build")
    (folder / "site_scons/ostoo_scons").mkdir()
    own = (f"site_scons/ostoo_scons/{name}.py" for name in ("start", "whole_run"))
    for name in ("sconsw", "ostoo", "site_scons/venv.sh", *own):
        shutil.copy(PROJECT / name, folder / name)
    packages = {"requirements.txt": "scons", "requirements-dev.txt": "pygments", "requirements-docs.txt": "mergedeep"}
    for file, package in packages.items():
        pinned = (PROJECT / file).read_text()
        lines = re.search(rf"^{package}==.*\\\n(?:    --hash=.*\n)+", pinned, re.MULTILINE)
        assert lines is not None
        (folder / file).write_text(lines[0])
    (folder / "SConstruct").write_text(SCONSTRUCT)
    return folder


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a start tells, without what it says again after half a minute on a busy machine."""
    return [line for line in done.stderr.splitlines() if not line.strip().startswith("Waiting for ")]


def run(folder: Path, *argv: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, cwd=cwd or folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def sconsw(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(folder, str(folder / "sconsw"), "-Q", *arguments, cwd=folder, **variables)


LIMITED = """
root=$PWD requirements=
ulimit {which} -s 64
. ./site_scons/venv.sh
ulimit -S -s
"""


def test_a_stack_that_is_too_small_for_python_is_told_or_made_larger(tmp_path: Path) -> None:
    folder = copy_launcher(tmp_path / "project")
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to(sys.executable)
    for_good = run(folder, "sh", "-c", LIMITED.format(which=""))
    assert for_good.returncode == 2
    assert for_good.stdout == ""
    assert for_good.stderr == (
        "error: the stack is limited to 64 KiB here (ulimit -s), less than Python needs\n"
        "  help: allow 256 KiB at least; 8192 is usual\n"
    )
    assert int(run(folder, "sh", "-c", LIMITED.format(which="-S")).stdout) >= 256


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_launcher(tmp_path_factory.mktemp("sconsw") / "a project")
    first = sconsw(folder)
    assert first.returncode == 0, first.stderr
    assert said(first) == [f"    Creating {folder}/.venv", BASE]
    return folder


@pytest.mark.network
def test_a_later_start_runs_scons_and_nothing_else(started: Path) -> None:
    # nothing could be installed with this index
    later = sconsw(started, "all", "MODE=a b", PIP_INDEX_URL="http://127.0.0.1:9", PIP_NO_CACHE_DIR="1")
    assert later.stdout == f"in {started} {{'MODE': 'a b'}}\nscons: Nothing to be done for `all'.\n"
    assert (later.returncode, later.stderr) == (0, "")


@pytest.mark.network
@pytest.mark.parametrize("how", ["absolute", "relative", "by sh"])
def test_it_runs_in_the_project_from_any_folder(how: str, started: Path, tmp_path: Path) -> None:
    relative = os.path.relpath(started / "sconsw", tmp_path)
    argv = {"absolute": [str(started / "sconsw")], "relative": [relative], "by sh": ["sh", "sconsw"]}[how]
    done = run(started, *argv, "-Q", "all", cwd=started if how == "by sh" else tmp_path, CDPATH="/")
    assert done.stdout.startswith(f"in {started} "), done.stderr


@pytest.mark.network
def test_scons_own_exit_code_is_handed_on(started: Path) -> None:
    assert sconsw(started, "no-such-target").returncode == 2


@pytest.mark.network
def test_plain_scons_runs_as_well(started: Path) -> None:
    assert run(started, ".venv/bin/scons", "-Q", "all").stdout == sconsw(started, "all").stdout


@pytest.mark.network
def test_a_later_start_costs_a_shell_and_a_comparison(started: Path, tmp_path: Path) -> None:
    def programs(command: str) -> list[str]:
        log = tmp_path / "strace"
        done = run(started, "strace", "-f", "-qq", "-z", "-e", "trace=execve", "-o", str(log), command, "-Q", "all")
        assert done.returncode == 0, done.stderr
        return [Path(path).name for path in re.findall(r'execve\("([^"]+)"', log.read_text(encoding="utf-8"))]

    plain = programs(".venv/bin/scons")
    assert programs("./sconsw") == ["sconsw", "cmp", *plain[plain.index("python") :]]


@pytest.mark.network
def test_test_installs_what_tests_need_and_other_targets_do_not(started: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(started, folder, symlinks=True)
    assert sconsw(folder, "all").returncode == 0
    assert not (folder / ".venv/bin/pygmentize").exists()
    assert said(sconsw(folder, "test")) == [FOR_TESTS, FOR_SITE]
    assert (folder / ".venv/bin/pygmentize").exists()


@pytest.mark.network
def test_starts_at_once_make_one_environment(tmp_path: Path) -> None:
    folder = copy_launcher(tmp_path / "project")
    with ThreadPoolExecutor() as threads:
        starts = list(threads.map(lambda _: sconsw(folder, "all"), range(3)))
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert sum(len(said(start)) for start in starts) == 2


@pytest.mark.network
@pytest.mark.parametrize("moment", ["venv is half made", "packages are half installed", "python went away"])
def test_an_interrupted_start_is_made_good(moment: str, started: Path, tmp_path: Path) -> None:
    folder = copy_launcher(tmp_path / "project")
    venv = folder / ".venv"
    if moment == "venv is half made":
        venv.mkdir()
    else:
        shutil.copytree(started / ".venv", venv, symlinks=True)
    if moment == "packages are half installed":
        shutil.rmtree(next(venv.glob("lib/python*/site-packages/SCons")) / "Script")
        (venv / "requirements.txt").unlink()
    if moment == "python went away":
        for link in venv.glob("bin/python*"):
            link.unlink()
            link.symlink_to("/no/such/python")
    done = sconsw(folder, "all")
    assert done.returncode == 0, done.stderr


DAMAGES: dict[str, Callable[[Path], object]] = {
    "lost": lambda path: path.unlink(),
    "cut": lambda path: os.truncate(path, 1000),
    "a pipe": lambda path: os.mkfifo(path.rename(path.with_name("elsewhere")).with_name(path.name)),
    "a letter changed": lambda path: path.write_bytes(b"(" + path.read_bytes()[1:]),
}


@pytest.mark.network
def test_a_damaged_package_is_named_and_the_next_start_makes_all_anew(started: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    for name, damage in DAMAGES.items():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(started, folder, symlinks=True)
        (path,) = (folder / ".venv").glob("lib/python*/site-packages/SCons/Node/FS.py")
        damage(path)
        done = sconsw(folder, "all")
        help_ = "build again: the next start recreates .venv"
        expected = f"error: a Python package of this build is damaged\n  --> {path}\n  help: {help_}\n"
        assert (done.returncode, done.stderr) == (2, expected), name
    again = sconsw(folder, "all")
    assert again.returncode == 0
    assert said(again) == [f"    Creating {folder}/.venv", BASE]


@pytest.mark.network
def test_changed_requirements_make_the_environment_anew(started: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(started, folder, symlinks=True)
    with (folder / "requirements.txt").open("a") as stream:
        stream.write((folder / "requirements-dev.txt").read_text())
    assert sconsw(folder, "all").returncode == 0
    assert (folder / ".venv/bin/pygmentize").exists()


@pytest.mark.network
def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    folder = copy_launcher(tmp_path / "project")
    requirements = folder / "requirements.txt"
    requirements.write_text(re.sub("sha256:[0-9a-f]+", f"sha256:{'0' * 64}", requirements.read_text()))
    done = sconsw(folder)
    assert done.returncode == 2
    assert done.stderr.startswith(f"    Creating {folder}/.venv\n")
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / ".venv/requirements.txt").exists()


def test_an_older_python_is_told_clearly(tmp_path: Path) -> None:
    folder = copy_launcher(tmp_path / "project")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cmp"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "python3").write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    (tools / "python3").chmod(0o755)
    done = run(folder, str(tools / "sh"), "sconsw", PATH=str(tools))
    assert done.returncode == 2
    assert done.stderr == (
        "error: this build needs Python 3.11 or newer; python3 here is: Python 3.9.2\n"
        "  help: install a newer python3, or put its folder first on PATH\n"
    )


def test_what_tests_need_and_can_not_be_had_is_told_before_anything_is_made(tmp_path: Path) -> None:
    folder = copy_launcher(tmp_path / "project")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cmp", "unshare", "true", "openssl"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "python3").symlink_to(sys.executable)
    done = run(folder, str(tools / "sh"), "sconsw", "test", PATH=str(tools))
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: this machine lacks tools that the tests need\n  - git, for copies of this checkout: "
    )
    assert "\n  - podman, for images of containers: is not on PATH\n" in done.stderr
    assert "openssl, for" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "  help: as root: apt-get install git gcc libc6-dev binutils strace "
    )
    assert not (folder / ".venv").exists()


@pytest.mark.network
def test_ostoo_runs_where_it_is_called_with_the_same_packages(started: Path, tmp_path: Path) -> None:
    (started / "site_scons/ostoo_build/cli/__main__.py").write_text(
        "import os, sys\nimport SCons\nprint(os.getcwd(), sys.argv[1:])\n"
    )
    done = run(tmp_path, str(started / "ostoo"), "why", "a b")
    assert (done.stdout, done.stderr) == (f"{tmp_path} ['-C', '{started}', 'why', 'a b']\n", "")
