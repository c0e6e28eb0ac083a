from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest
from screens import terminal

from ostoo_build.start import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

SITE_SCONS = Path(bootstrap.__file__).parents[2]
PIP = ".venv/lib/python3.11/site-packages/pip/__main__.py"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose environment has the packages of `base.txt`; its python only notes what it is asked."""
    for folder in (tmp_path, tmp_path / ".venv"):
        fake.write(folder / "base.txt", "scons==4.11\n")
    fake.write(tmp_path / "more.txt", "pytest==9\n")
    fake.write(tmp_path / PIP, "")
    python(tmp_path, "exit 0")
    return tmp_path


def python(root: Path, ending: str) -> None:
    fake.script(root / ".venv/bin/python", f"echo \"$*\" >> '{root}/asked'", ending)


def asked(root: Path) -> str:
    return (root / "asked").read_text() if (root / "asked").exists() else ""


def test_it_needs_no_package(tmp_path: Path) -> None:
    """Nor does the message of its failure, and the annotation of that."""
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-m", "ostoo_build.start.bootstrap", str(tmp_path), "base.txt"],
        env={"PYTHONPATH": str(SITE_SCONS), "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    error, *_, annotation = done.stderr.splitlines()
    assert error == "error: the file base.txt is missing"
    assert annotation.startswith("::error::the file base.txt is missing")


def test_a_whole_environment_is_left_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main([str(root), "base.txt"]) == 0
    assert asked(root) == ""
    assert capsys.readouterr() == ("", "")


def test_missing_packages_are_installed_once_and_by_their_hashes(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) == 0
    assert capsys.readouterr().err == "  Installing the packages of more.txt\n"
    assert asked(root).startswith("-m pip install ")
    assert f"--require-hashes --only-binary=:all: --requirement {root}/more.txt" in asked(root)
    assert (root / ".venv/more.txt").read_text() == "pytest==9\n"
    (root / "asked").unlink()
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) == 0
    assert asked(root) == ""


def test_changed_requirements_are_installed_anew(root: Path) -> None:
    bootstrap.main([str(root), "base.txt", "more.txt"])
    fake.write(root / "more.txt", "pytest==10\n")
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) == 0
    assert asked(root).count("pip install") == 2


def test_a_failed_installation_is_one_message_and_tried_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python(root, "echo 'no route to host' >&2; exit 1")
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) == 2
    shown = capsys.readouterr().err
    assert "error: can't create the project's Python environment:\n  no route to host\n" in shown
    assert "Traceback" not in shown
    assert not (root / ".venv/more.txt").exists()
    python(root, "exit 0")
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) == 0


def lose_python(root: Path) -> None:
    (root / ".venv/bin/python").unlink()
    (root / ".venv/bin/python").symlink_to("gone")


def change_requirements(root: Path) -> None:
    fake.write(root / "base.txt", "scons==4.12\n")


@pytest.mark.parametrize("change", [lose_python, change_requirements])
def test_an_environment_that_does_not_serve_is_made_anew(
    change: Callable[[Path], None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(root)
    creator = fake.script(root / "creator", f"echo \"$*\" >> '{root}/created'; exit 1")
    monkeypatch.setattr("sys.executable", str(creator))
    assert bootstrap.main([str(root), "base.txt"]) == 2
    assert (root / "created").read_text().startswith("-m venv --clear ")


def test_packages_are_installed_by_the_pip_that_comes_with_python(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not installed itself: that takes longer than the packages do."""
    (root / PIP).unlink()
    wheel = fake.write(root / "python/ensurepip/_bundled/pip-9-py3-none-any.whl", "")
    python(root, f"echo \"$PYTHONPATH\" >> '{root}/asked'")
    (root / ".venv/bin").rename(root / "bin")
    creator = fake.script(root / "creator", f"echo \"$*\" >> '{root}/created'; cp -r '{root}/bin' '{root}/.venv/'")
    monkeypatch.setattr("sys.executable", str(creator))
    found = spec_from_file_location("ensurepip", root / "python/ensurepip/__init__.py")
    monkeypatch.setattr("importlib.util.find_spec", {"ensurepip": found}.get)
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) == 0
    assert "--without-pip" in (root / "created").read_text()
    assert asked(root).splitlines()[1::2] == [str(wheel)]


def test_a_missing_list_of_packages_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "more.txt").unlink()
    assert bootstrap.main([str(root), "base.txt", "more.txt"]) != 0
    assert capsys.readouterr().err.startswith(f"error: the file more.txt is missing\n  --> {root}\n")


@pytest.mark.timeout(60)
def test_a_list_of_packages_that_is_a_pipe_is_told(root: Path) -> None:
    (root / "base.txt").unlink()
    os.mkfifo(root / "base.txt")
    assert bootstrap.main([str(root), "base.txt"]) != 0


def test_a_first_start_is_seen_on_a_terminal_and_leaves_its_lines(root: Path) -> None:
    python(root, f"head -c 3000000 /dev/zero > '{root}/.venv/wheel'; while ! [ -e '{root}/go' ]; do sleep 0.05; done")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-m", "ostoo_build.start.bootstrap", str(root), "base.txt", "more.txt"]
    with terminal(argv, cwd=root, environ=environ, columns=60) as shown:
        rows = shown.until(lambda rows: len(rows) > 1 and "3 MB" in rows[-1])
        assert rows[:1] == ["  Installing the packages of more.txt"]
        assert re.fullmatch(r"  Installing the packages of more.txt \(3 MB, \d+ s\)", rows[1])
        (root / "go").touch()
        assert shown.to_the_end() == ["  Installing the packages of more.txt"]
    assert shown.process.returncode == 0


def test_ctrl_c_ends_a_first_start_without_a_traceback(root: Path) -> None:
    python(root, f"touch '{root}/begun'; sleep 600")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-m", "ostoo_build.start.bootstrap", str(root), "base.txt", "more.txt"]
    with terminal(argv, cwd=root, environ=environ) as shown:
        shown.until(lambda rows: bool(rows) and rows[-1].endswith("s)"))
        shown.type("\x03")
        assert shown.to_the_end() == ["  Installing the packages of more.txt"]
    assert shown.process.returncode == 130
    assert not (root / ".venv/more.txt").exists()
