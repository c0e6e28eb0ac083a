from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.cli import main, project

if TYPE_CHECKING:
    from pathlib import Path


def test_the_nearest_folder_with_a_file_of_settings_is_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "os/inner"
    (inner / "deep/er").mkdir(parents=True)
    (tmp_path / "os/ostoo.toml").touch()
    assert project.root(inner / "deep/er") == tmp_path / "os"
    (inner / "ostoo.toml").touch()
    assert project.root(inner / "deep/er") == inner
    assert project.root(inner) == inner


def test_a_folder_of_that_name_marks_no_project(tmp_path: Path) -> None:
    (tmp_path / "ostoo.toml").touch()
    (tmp_path / "os/ostoo.toml").mkdir(parents=True)
    assert project.root(tmp_path / "os") == tmp_path


def test_a_folder_in_no_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match=r"there is no ostoo\.toml here or in a folder above") as caught:
        project.root(tmp_path)
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (["build"], []),
        (["build", "a", "-j", "4", "profile=dev", "--", "-n"], ["a", "-j", "4", "profile=dev", "--", "-n"]),
        (["clean", "a"], ["-c", "a"]),
    ],
)
@pytest.mark.parametrize("named", [["-C", "os/deep"], ["-Cos/deep"], ["-C", "/", "-C", "os/deep"]])
def test_a_build_gets_its_arguments_as_they_are(
    named: list[str], words: list[str], arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "os/deep").mkdir(parents=True)
    (tmp_path / "os/ostoo.toml").touch()
    monkeypatch.chdir(tmp_path)
    replaced: list[tuple[list[str], str]] = []

    def execv(_program: str, argv: list[str]) -> None:
        replaced.append((argv[1:], os.getcwd()))  # noqa: PTH109 - what a process has, links and all
        raise SystemExit

    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(SystemExit):
        main.main([*named, *words])
    ((started, folder),) = replaced
    assert started[:2] == ["-S", "-P"]
    assert started[2].endswith("/ostoo_scons/start.py")
    assert (started[3:], folder) == (arguments, str(tmp_path / "os"))
