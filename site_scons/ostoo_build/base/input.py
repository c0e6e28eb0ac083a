"""What an action is made from, as its key sees it. Does not read it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable


NOTHING = digest.of_bytes(b"")
"""The digest of a folder in which nothing lies."""


def is_executable(status: os.stat_result) -> bool:
    """Whether its owner may run a file: git keeps that, whatever the umask."""
    return bool(status.st_mode & stat.S_IXUSR)


class Input(NamedTuple):
    """A file by its contents, or a folder by the digest of its REAPI `Directory`; `size` is in bytes.

    `path` is portable. A folder's size is that of the message.
    """

    path: str
    sha256: digest.Hash
    size: int
    executable: bool = False
    is_folder: bool = False


def changed(path: str) -> OstooError:
    """Make the error about an input that did not hold still."""
    return OstooError(f"{path} changed while it was used", remedy="run the build again")


def refuse_odd(folder: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Raise `OstooError` for a name that no action can have: a folder can hold any."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise OstooError(
                f"the name of a file is not UTF-8: {os.fsencode(name)!r}", where=str(folder), remedy="rename it"
            ) from error
        if "@{" in name:
            what = "the name of a file holds @{, which stands for places here"
            raise OstooError(what, where=f"{os.fspath(folder)}/{name}", remedy="rename it")
