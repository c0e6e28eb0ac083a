"""Implements `./ostoo cache`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostoo_build.base import byte_size
from ostoo_build.base.errors import OstooError
from ostoo_build.cache import folder as cache_folder
from ostoo_build.cache import upkeep as cache_upkeep

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 10
"""Maximum number of damaged entries listed by name."""


def perform(verb: str, folder: Path, limit: int) -> str:
    """Run `stats`, `verify`, `gc` or `clear` and return the report. `limit` is in bytes.

    Raises `OstooError` if `verify` found damage, or the folder is not a cache of this build.
    """
    if not cache_folder.is_ours(folder):
        raise OstooError(
            "this folder is not a cache of this build, and was not changed",
            where=str(folder),
            remedy="name the folder that cache= names",
        )
    return {"stats": _stats, "verify": _verify, "gc": _gc, "clear": _clear}[verb](folder, limit)


def _stats(folder: Path, limit: int) -> str:
    found = cache_upkeep.stats(folder)
    return (
        f"folder   {folder}\n"
        f"results  {found.results}\n"
        f"files    {found.files}\n"
        f"size     {byte_size.show(found.size)} of {byte_size.show(limit)}\n"
    )


def _verify(folder: Path, _limit: int) -> str:
    damaged = cache_upkeep.verify(folder)
    if damaged:
        raise OstooError(
            f"{len(damaged)} entries were damaged and have been removed",
            where="\n".join(map(str, damaged[:_SHOWN])),
            remedy="nothing is lost: builds recreate them",
        )
    found = cache_upkeep.stats(folder)
    return f"{found.results} results and {found.files} files are intact\n"


def _gc(folder: Path, limit: int) -> str:
    done = cache_upkeep.collect(folder, limit)
    return f"removed {done.entries} entries, {byte_size.show(done.freed)}; {byte_size.show(done.left)} remain\n"


def _clear(folder: Path, _limit: int) -> str:
    size = cache_upkeep.stats(folder).size
    cache_upkeep.clear(folder)
    return f"removed everything, {byte_size.show(size)}\n"
