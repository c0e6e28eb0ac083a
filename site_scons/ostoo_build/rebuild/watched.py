"""Names what builds read and a watch of the project's folders does not come by. Does not watch.

That is hidden, lies behind a link or outside of the checkout. A build that waits writes it down with what `stat` said
of it, for `./ostoo watch`.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import layout, state_file, target_folder
from ostoo_build.base.errors import OstooError
from ostoo_build.rebuild import dependencies
from ostoo_build.start.null_build import Sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services

Stamps = dict[str, "list[int] | None"]
"""What `stat` says of files and folders, by absolute path; None for what is not there."""

_OUTPUTS = frozenset({*layout.MADE, "user"})
_READ = frozenset({".cargo"})
"""Hidden folders that builds read."""


def counts(root: Path, path: Path) -> bool:
    """Whether a build may read what lies there, as far as its name tells."""
    names = path.relative_to(root).parts
    if not names or names[0] in _OUTPUTS or "__pycache__" in names or names[-1].endswith("~"):
        return False
    folders = (root.joinpath(*names[:count]) for count in range(1, len(names) + 1))
    return not any(
        (folder.name.startswith(".") and folder.name not in _READ)
        or (folder.name == "target" and target_folder.is_target(str(folder)))
        for folder in folders
    )


def note(planner: Planner, services: Services) -> None:
    """Write down what a waiting build has read."""
    with contextlib.suppress(OSError, OstooError):  # somebody is at work there: the next build notes it
        names = sorted(map(str, _seldom(planner, services)))
        state_file.write(planner.root / layout.WATCHED, state_file.sealed(json.dumps(stamps(names)).encode()))


def read(root: Path) -> Stamps:
    """Read what the last build wrote down; nothing where none did."""
    found = state_file.recall_json(root / layout.WATCHED)
    return found if isinstance(found, dict) else {}


def stamps(names: list[str]) -> Stamps:
    """Look at files and folders."""
    return Sight.of((), names).places


def _seldom(planner: Planner, services: Services) -> Iterator[Path]:
    for name in dependencies.read_here(planner, services):
        path = Path(name)
        is_inside = path.is_relative_to(planner.root)
        if not (is_inside and counts(planner.root, path) and os.path.realpath(path) == name):
            yield path
