"""What came of running an action, as values, and the ways in which it can go wrong. Runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.base.paths import PathMap

OUT = "out"
"""The folder in a run's own that is the build script's: its `OUT_DIR`."""


class ToolFailed(OstooError):  # noqa: N818 - it says what happened, as subprocess' exceptions do
    """A compiler or build script ended with an error; what it said is the message."""

    def __init__(self, what: str, messages: tuple[str, ...]) -> None:
        super().__init__(what)
        self.messages = messages


class ChangedError(Exception):
    """A file is not what its digest says: it was replaced before it could be kept."""


class Finished(Struct, frozen=True):
    """What a process left: `returncode` as in `subprocess`, its words, and files by their names in its folder.

    `folders` are those in which nothing lies, `led` is where links led that left its folder. `paths` are those of where
    it ran. `expanded` is a crate's source with its macros expanded, where somebody asked for it. `is_hermetic` says
    that it could see its declared inputs only, `is_shut_in` that it could see no other files of this checkout.
    """

    returncode: int
    stdout: str
    stderr: str
    files: tuple[str, ...]
    read: Callable[[str], bytes]
    paths: PathMap
    is_hermetic: bool = False
    is_shut_in: bool = False
    expanded: str | None = None
    folders: tuple[str, ...] = ()
    led: tuple[str, ...] = ()


class Outcome(Struct, frozen=True):
    """What a run left: output names within the action's folder, and what it wrote, as portable texts.

    `folders` are those among the outputs in which nothing lies. `holds_root` says that the outputs may hold the
    checkout's path. `reads` are files and folders of the checkout that the action did not declare and may read: by
    their portable paths. `unproved` are the inputs that it may have read and nothing tells with what in them; None for
    all of them.
    `seen` are those of the inputs in its package that it can have read, None where nobody knows.
    """

    outputs: tuple[str, ...]
    stderr: str = ""
    stdout: str = ""
    holds_root: bool = False
    reads: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    unproved: frozenset[str] | None = None
    seen: tuple[str, ...] | None = None


def undeclared(path: str, manifest: str) -> OstooError:
    """Make the error about a file that nobody declared."""
    return OstooError(
        f"the crate reads {path}, which is not among its declared inputs",
        where=manifest,
        remedy="move the file into the package, or declare it there, relative to the package:\n"
        "[package.metadata.ostoo]\n"
        'inputs = ["../path/to/file"]',
    )
