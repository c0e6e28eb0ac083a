"""Verifies that a link read only declared inputs, by LLD's `--dependency-file`.

LLD lists the files that it opened: objects, archives, scripts with their INCLUDEs, version scripts, symbol lists. It
omits response files and members of thin archives, which `link_files` finds beforehand.
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
"""Options that name an output of the linker: its former contents are not an input."""


def dependency_file(folder: str, unit_id: str) -> str:
    """Return the path of a link's dependency file."""
    return f"{folder}/{unit_id}.link.d"


def read(text: str) -> list[str]:
    """Return the names in a dependency file: each has a rule of its own, without prerequisites."""
    rules = (line[:-1] for line in text.split("\n") if line.endswith(":"))
    return [_ESCAPED.sub(lambda match: match[1] or match[2], name) for name in rules]


def prove(text: str, action: Action, own_folder: str, paths: PathMap, manifest: str) -> None:
    """Compare what the linker read with the action's inputs. Raises `OstooError` for an undeclared file.

    rustc writes temporary files for the linker to its own folders in `own_folder`, and removes them.
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
    """Create the error for an undeclared file that a link read."""
    if path.startswith(("/", "@{toolchain}")):
        remedy = "other machines do not have it: copy it into the checkout"
    elif layout.is_in_build(path):
        remedy = "no step creates that file for the link: have a build script write it to its OUT_DIR"
    else:
        remedy = (
            "move the file into the package, or declare it there, relative to the package:\n"
            '[package.metadata.ostoo]\ninputs = ["../path/to/file"]'
        )
    return OstooError(f"the link reads {path}, which is not among its declared inputs", where=manifest, remedy=remedy)
