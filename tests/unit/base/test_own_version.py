from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from ostoo_build.base import own_files, own_version
from ostoo_build.base.own_version import Origin

PROJECT = Path(__file__).parents[3]


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_the_number_is_that_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert own_version.number() == project["version"]
    assert re.fullmatch(r"\d+(\.\d+)*", project["version"]), "versions of projects are compared with release numbers"


def test_git_tells_commit_and_changes(sources: Path) -> None:
    commit = git(sources, "rev-parse", "HEAD")
    assert own_version.of_sources(sources) == Origin(commit)
    (sources / "new").touch()
    assert own_version.of_sources(sources) == Origin(commit, is_modified=True)
    git(sources, "remote", "add", "origin", "https://me:secret@example.org/ostoo.git")
    assert own_version.of_sources(sources).repository == "https://example.org/ostoo.git"


def test_sources_that_git_does_not_know_have_no_commit(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sources / "inner").mkdir()
    assert own_version.of_sources(sources / "inner") == Origin(), "they are somebody else's repository"
    monkeypatch.setenv("PATH", str(sources))
    assert own_version.of_sources(sources) == Origin()


def test_unpacked_sources_tell_what_was_packed(sources: Path) -> None:
    (sources / own_files.ORIGIN).write_text(json.dumps(Origin("abc", is_modified=True)._asdict()))
    assert own_version.of_sources(sources) == Origin("abc", is_modified=True)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("https://example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://me@example.org/a", "https://example.org/a"),
        ("https://me:p%40ss@example.org:8443/a", "https://example.org:8443/a"),
        ("ssh://git@example.org/a", "ssh://example.org/a"),
        ("git@example.org:a/b.git", "example.org:a/b.git"),
        ("/srv/a.git", ""),
        ("../a", ""),
        ("file:///srv/a.git", ""),
        ("", ""),
    ],
)
def test_no_password_and_no_path_of_a_machine_is_told(address: str, public: str) -> None:
    assert own_version.public(address) == public


def test_an_installed_build_tells_what_the_wheel_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_version.text().endswith(f"in its repository {PROJECT}\n")
    (tmp_path / own_files.ORIGIN).write_text(json.dumps(Origin("abc", repository="https://example.org/a")._asdict()))
    monkeypatch.setattr(own_files, "PACKAGE", tmp_path)
    monkeypatch.setattr(own_files, "repository", lambda: None)
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"ostoo-build": "1.2.3"}[name])
    assert own_version.text() == (f"ostoo-build 1.2.3\ncommit abc of https://example.org/a\ninstalled in {tmp_path}\n")
