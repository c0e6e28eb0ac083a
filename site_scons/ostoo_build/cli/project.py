"""Finds the project that a verb is about, as cargo finds a manifest, and starts builds in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base import own_files, process
from ostoo_build.base.errors import OstooError
from ostoo_build.project import description

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import NoReturn


def root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, with an `ostoo.toml`. Raises `OstooError` if there is none."""
    folder = start.resolve()
    for place in (folder, *folder.parents):
        if (place / description.FILE).is_file():
            return place
    raise OstooError(
        f"there is no {description.FILE} here or in a folder above",
        where=str(folder),
        remedy=f"go to a project or name one: ostoo -C DIR VERB; an empty {description.FILE} marks its top folder",
    )


def build(start: Path, arguments: Sequence[str]) -> NoReturn:
    """Replace this process by a build with SCons' arguments."""
    process.exec_program(own_files.build_command(arguments), cwd=root(start))
