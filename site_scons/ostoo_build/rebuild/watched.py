"""Lists the files that builds read but a watch of the project's folders misses.

They are hidden, behind a link, or outside the checkout. A waiting build writes their stamps to a file for `./ostoo
watch`.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import layout, state_file, target_folder
from ostoo_build.base import stamps as file_stamps
from ostoo_build.base.errors import OstooError
from ostoo_build.rebuild import dependencies
from ostoo_build.start.null_build import StampSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ostoo_build.base.stamps import Stamps
    from ostoo_build.invocation.options import Options
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services

_READ = frozenset({".cargo"})
"""Hidden folders that builds read."""


def outputs(options: Options) -> tuple[str, ...]:
    """Return the folders that builds and deployments write to, as portable paths."""
    return (layout.BUILD, options.described.sysroot_folder, options.variables["DEPLOY_DIR"])


def counts(root: Path, made: Collection[str], path: Path) -> bool:
    """Whether a build may read this path, judged by its name; `made` are the folders that it writes to."""
    names = path.relative_to(root).parts
    if (
        not names
        or any(path.is_relative_to(root / each) for each in made)
        or "__pycache__" in names
        or names[-1].endswith("~")
    ):
        return False
    folders = (root.joinpath(*names[:count]) for count in range(1, len(names) + 1))
    return not any(
        (folder.name.startswith(".") and folder.name not in _READ)
        or (folder.name == "target" and target_folder.is_target(str(folder)))
        for folder in folders
    )


def note(planner: Planner, services: Services, made: Collection[str]) -> None:
    """Write down the files that a waiting build has read."""
    with contextlib.suppress(OSError, OstooError):  # another build runs there: the next one writes it
        names = sorted(map(str, _seldom(planner, services, made)))
        state_file.write(planner.root / layout.WATCHED, state_file.sealed(json.dumps(stamps(names)).encode()))


def read(root: Path) -> Stamps:
    """Read the file of the last build; empty if there is none."""
    found = state_file.recall_json(root / layout.WATCHED)
    return found if isinstance(found, dict) else {}


def stamps(names: list[str]) -> Stamps:
    """Return the stamps of files and folders."""
    return StampSet.of((), names).places


def late(found: Stamps, began: int) -> set[str]:
    """Return the files that may have changed after a build that began then, in ns since the epoch, read them.

    What is missing counts if its folder has changed: it may have been removed.
    """
    folders = {name: os.path.dirname(name) for name, stamp in found.items() if stamp is None}  # noqa: PTH120 - strings
    touched = {**found, **stamps([*folders.values()])}
    at = {name: touched[folders.get(name, name)] for name in found}
    return {name for name, stamp in at.items() if stamp and file_stamps.may_be_of(stamp, began)}


def _seldom(planner: Planner, services: Services, made: Collection[str]) -> Iterator[Path]:
    for name in dependencies.read_here(planner, services):
        path = Path(name)
        is_inside = path.is_relative_to(planner.root)
        if not (is_inside and counts(planner.root, made, path) and os.path.realpath(path) == name):
            yield path
