"""Finds the project that a verb is about, as cargo finds a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


def root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, with an `ostoo.toml`. Raises `OstooError` if there is none."""
    folder = start.resolve()
    for place in (folder, *folder.parents):
        if (place / layout.DESCRIPTION).is_file():
            return place
    raise OstooError(
        f"there is no {layout.DESCRIPTION} here or in a folder above",
        where=str(folder),
        remedy="go to a project, name one: ostoo -C DIR VERB, or make one of this folder: ostoo init",
    )
