"""Speaks rust-analyzer's protocol for the discovery of projects (its setting `workspace.discoverConfig`).

Each message is a JSON object in one line. `{arg}` in the command is `{"path": FILE}` for a file that was opened, and
`{"buildfile": FILE}` for a changed file of those that the setting lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.ide.project import Project  # noqa: TC001 - msgspec reads the types of fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WATCHED = ("Cargo.toml", "Cargo.lock", "build.rs", "ostoo.toml", "SConscript", "rust-toolchain.toml")
"""The names of files after whose change the projects may be others."""


class Progress(Struct, frozen=True, tag_field="kind", tag="progress"):
    """Tells what goes on."""

    message: str


class Finished(Struct, frozen=True, tag_field="kind", tag="finished"):
    """A project; one with the same `buildfile` takes the place of a former one."""

    buildfile: str
    project: Project


class Failed(Struct, frozen=True, tag_field="kind", tag="error"):
    """Tells why there is no project."""

    error: str
    source: str | None


class _Argument(Struct, frozen=True):
    path: str = ""
    buildfile: str = ""


def file_of(argument: str) -> str:
    """Return the file that rust-analyzer asks about. Raises `OstooError` for another argument."""
    try:
        found = msgspec.json.decode(argument, type=_Argument)
    except msgspec.MsgspecError:
        found = _Argument()
    if not (found.path or found.buildfile):
        remedy = 'write {arg} in the setting: it becomes {"path": FILE} or {"buildfile": FILE}'
        raise OstooError(f"--discover can't read {argument}", remedy=remedy)
    return found.path or found.buildfile


def line(message: Progress | Finished | Failed) -> str:
    return msgspec.json.encode(message).decode() + "\n"


def finished(projects: Sequence[Project], root: str, file: str) -> Iterator[Finished]:
    """Yield the projects that a file is in, or all for one that is in none, such as a lock file.

    rust-analyzer takes the folder of the build file for the one from which a check names files.
    """
    named = [(f"{root}/{_name(number)}", project) for number, project in enumerate(projects)]
    of_file = [each for each in named if _has(each[1], file)]
    yield from (Finished(*each) for each in of_file or named)


def _name(number: int) -> str:
    """Return a name for the build file of a project: all are described by the same files."""
    return f"{number}.{layout.DESCRIPTION}" if number else layout.DESCRIPTION


def _has(project: Project, file: str) -> bool:
    members = (crate for crate in project.crates if crate.is_workspace_member)
    return any(f"{file}/".startswith(f"{folder}/") for crate in members for folder in crate.source.include_dirs)
