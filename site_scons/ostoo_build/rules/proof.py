"""Verifies that a compilation read only declared inputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.actions.outcome import undeclared
from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.paths import is_local

if TYPE_CHECKING:
    from ostoo_build.actions.action import Action
    from ostoo_build.base.paths import PathMap
    from ostoo_build.rust.dep_info import DepInfo


def prove(observed: DepInfo, action: Action, told: tuple[str, ...], paths: PathMap, package: str) -> tuple[str, ...]:
    """Compare what rustc read with the action's inputs: files by content, folders by name.

    `package` is the portable path of the unit's package: undeclared files there, such as hidden ones, are returned by
    name; inputs in `told` count as undeclared. Raises `OstooError` for any other undeclared file, and for one that
    changed after it was hashed.
    """
    files = {entry.path: entry.sha256 for entry in action.inputs if entry.path not in told}
    directory = Path(paths.root, paths.expand(action.directory))
    folders = (*paths.of_tools, *(f"{entry.path}/" for entry in action.inputs if entry.is_folder))
    found = []
    for name, sha256 in observed.files.items():
        path = paths.input_path(directory / name)
        expected = files.get(path)
        if expected is None:
            if paths.is_in(directory / name, folders):
                continue
            if not (is_local(path) and f"{path}/".startswith(f"{package}/")):
                raise undeclared(path, f"{package}/Cargo.toml")
            found.append(path)
            expected = digest.of_file(directory / name)
        if expected != (sha256 or digest.of_file(directory / name)):
            raise OstooError("the file changed while it was being compiled", where=path, remedy="run the build again")
    return tuple(found)
