"""Proves that a compilation read its declared inputs and nothing else. Does not know how they were declared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build import digest
from ostoo_build.errors import OstooError

if TYPE_CHECKING:
    from ostoo_build.dep_info import DepInfo
    from ostoo_build.execution.action import Action
    from ostoo_build.paths import PathMap


OF_TOOLS = ("@{rust-src}/", "@{toolchain}/")
"""What the toolchain's digest, part of every key, vouches for."""


def prove(observed: DepInfo, action: Action, paths: PathMap, manifest: str) -> None:
    """Hold what rustc read against what the action declares: files by content, folders by name.

    Raises `OstooError` for a file that is not declared, and for one that changed after it was hashed. `manifest` is
    where the user can declare more.
    """
    files = {entry.path: entry.sha256 for entry in action.inputs}
    directory = Path(paths.root, paths.expand(action.directory))
    folders = (*OF_TOOLS, *(f"{path}/" for path in files))
    for name, sha256 in observed.files.items():
        path = paths.portable(directory / name)
        expected = files.get(path)
        if expected is None and not path.startswith(folders):
            raise undeclared(path, manifest)
        if expected is not None and expected != (sha256 or digest.of_file(directory / name)):
            raise OstooError("the file changed while it was being compiled", where=path, remedy="run the build again")


def undeclared(path: str, manifest: str) -> OstooError:
    """Make the error about a file that nobody declared."""
    return OstooError(
        f"the crate reads {path}, which is not among its declared inputs",
        where=manifest,
        remedy="move the file into the package, or declare it there, relative to the package:\n"
        "[package.metadata.ostoo]\n"
        'inputs = ["../path/to/file"]',
    )
