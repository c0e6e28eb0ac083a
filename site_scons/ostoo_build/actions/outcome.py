"""Defines the results of running an action, and the errors that can occur."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.actions.learned import Learned
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.base.paths import PathMap

OUT = "out"
"""The build script's `OUT_DIR` within the action's folder."""


class ToolFailed(OstooError):  # noqa: N818 - it says what happened, as subprocess' exceptions do
    """A compiler or build script exited with an error; its output is the message.

    `diagnostics` are a compiler's in JSON, one in a line, with portable paths.
    """

    diagnostics = ""

    def __init__(self, what: str, messages: tuple[str, ...], *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.messages = messages


class UnansweredError(ToolFailed):
    """A run failed, or is of no use, after it had asked for variables of the environment that nobody declares."""

    def __init__(
        self, what: str, messages: tuple[str, ...], asked: tuple[str, ...], *, where: str = "", remedy: str = ""
    ) -> None:
        super().__init__(what, messages, where=where, remedy=remedy)
        self.asked = asked


class ChangedError(Exception):
    """A file does not have the expected digest: it was replaced before it was stored."""


class Finished(Struct, frozen=True):
    """What a process left: `returncode` as in `subprocess`, its output, and its files by name.

    `folders` are the empty folders. `led` are the targets of links that lead out of the folder. `paths` are those of
    the machine that ran it. `expanded` is the crate's macro-expanded source if it was requested. `is_hermetic` says
    that the process could read declared inputs only, `is_shut_in` that it could read no other files of this checkout.
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
    """The verified result of a run: output names within the action's folder, and its messages as portable texts.

    `folders` are the empty folders among the outputs. `holds_root` says that the outputs may contain the checkout's
    path. `learned` is what it told of its inputs. `unproved` are the inputs whose contents at the time of reading are
    not proven by any tool's output; None means all of them.
    """

    outputs: tuple[str, ...]
    stderr: str = ""
    stdout: str = ""
    holds_root: bool = False
    learned: Learned = Learned()
    folders: tuple[str, ...] = ()
    unproved: frozenset[str] | None = None


def undeclared(path: str, manifest: str) -> OstooError:
    """Create the error for a file that was read but not declared."""
    return OstooError(
        f"the crate reads {path}, which is not among its declared inputs",
        where=manifest,
        remedy="move the file into the package, or declare it there, relative to the package:\n"
        "[package.metadata.ostoo]\n"
        'inputs = ["../path/to/file"]',
    )
