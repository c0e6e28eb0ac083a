"""Tells which version of this build runs: its number, the commit that it is made of, and where it is from."""

from __future__ import annotations

import json
import os
import re
import tomllib
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base import own_files, process
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "ostoo-build"
"""The name of the package that is installed."""


class Origin(NamedTuple):
    """The sources: `commit` is empty where git does not know it, `repository` where it has no address for others."""

    commit: str = ""
    is_modified: bool = False
    repository: str = ""


def number() -> str:
    """Return the version's number."""
    repository = own_files.repository()
    if repository is None:
        from importlib import metadata  # noqa: PLC0415 - 20 ms that only an installed build has to pay

        return metadata.version(NAME)
    with (repository / "pyproject.toml").open("rb") as stream:
        found: str = tomllib.load(stream)["project"]["version"]
    return found


def text() -> str:
    """Return the lines that `ostoo --version` prints."""
    repository = own_files.repository()
    origin = _recorded(own_files.PACKAGE) if repository is None else of_sources(repository)
    changes = " with changes" if origin.is_modified else ""
    source = f" of {origin.repository}" if origin.repository else ""
    place = f"installed in {own_files.PACKAGE}" if repository is None else f"in its repository {repository}"
    return f"{NAME} {number()}\ncommit {origin.commit or 'unknown'}{changes}{source}\n{place}\n"


def of_sources(folder: Path) -> Origin:
    """Return the origin of a folder of sources: as recorded there if it is from an sdist, else git is asked."""
    if (folder / own_files.ORIGIN).is_file():
        return _recorded(folder)
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return Origin()
    is_modified = bool(_git(folder, "status", "--porcelain"))
    return Origin(commit, is_modified, public(_git(folder, "remote", "get-url", "origin")))


def public(address: str) -> str:
    """Return a repository's address without user and password; empty for a path of this machine."""
    match = re.fullmatch(r"(\w[\w+.-]*://)(?:[^/@]*@)?([^/].*)", address)
    if match and match[1] != "file://":
        return match[1] + match[2]
    match = re.fullmatch(r"(?:[^/@:]+@)?([\w.-]+:(?!//)[^:]+)", address)  # git's short form: USER@HOST:PATH
    return match[1] if match else ""


def _recorded(folder: Path) -> Origin:
    return Origin(**json.loads((folder / own_files.ORIGIN).read_bytes()))


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints; empty if it fails, or the folder is not the top of a repository."""
    if not (folder / ".git").exists():
        return ""
    try:
        done = process.run(["git", *arguments], cwd=folder, env=os.environ)
    except OstooError:
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
