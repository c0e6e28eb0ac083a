"""Proves that a link read its declared inputs and nothing else, by LLD's `--dependency-file`. Does not link.

LLD names there what it opened: objects, archives, scripts with their INCLUDEs, version scripts, lists of symbols. It
leaves out response files and members of thin archives, which `link_files` finds beforehand.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from ostoo_build.actions.action import Action
    from ostoo_build.base.paths import PathMap

_ESCAPED = lazy_pattern(r"\\([ #\\])|\$(\$)")


OPTION = "--dependency-file="
"""What names a file that the linker writes: what the last link left there is no input."""


def dependency_file(folder: str, unit_id: str) -> str:
    """Where a link writes down what it read."""
    return f"{folder}/{unit_id}.link.d"


def read(text: str) -> list[str]:
    """The names in a dependency file: each stands in a rule of its own, without prerequisites."""
    rules = (line[:-1] for line in text.split("\n") if line.endswith(":"))
    return [_ESCAPED.sub(lambda match: match[1] or match[2], name) for name in rules]


def prove(text: str, action: Action, own_folder: str, paths: PathMap, manifest: str) -> None:
    """Hold what the linker read against what the action declares. Raises `OstooError` for a file that is not declared.

    rustc writes files for the linker into folders of its own in `own_folder` and takes them away.
    """
    directory = Path(paths.root, paths.expand(action.directory))
    declared = {entry.path for entry in action.inputs}
    folders = (
        *paths.of_tools,
        f"{own_folder}/rustc",
        *(f"{entry.path}/" for entry in action.inputs if entry.is_folder),
    )
    for name in read(text):
        path = paths.input_path(directory / name)
        if path not in declared and not paths.is_in(directory / name, folders):
            raise undeclared(path, manifest)


def undeclared(path: str, manifest: str) -> OstooError:
    """Make the error about a file that a link reads and nobody declared."""
    if path.startswith(("/", "@{toolchain}")):
        remedy = "other machines do not have it: put it into the checkout"
    elif layout.is_in_build(path):
        remedy = "no step promises that file to the link: have a build script make it, in its OUT_DIR"
    else:
        remedy = (
            "move the file into the package, or declare it there, relative to the package:\n"
            '[package.metadata.ostoo]\ninputs = ["../path/to/file"]'
        )
    return OstooError(f"the link reads {path}, which is not among its declared inputs", where=manifest, remedy=remedy)
