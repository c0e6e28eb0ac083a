"""Defines `Input`: a file or folder as it enters an action's key. Reads no file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterable


NOTHING = digest.of_bytes(b"")
"""The digest of an empty folder."""


def is_executable(status: os.stat_result) -> bool:
    """Whether the owner may execute the file. Git records this bit only, so the umask doesn't matter."""
    return bool(status.st_mode & stat.S_IXUSR)


class Input(NamedTuple):
    """A file with the digest of its contents, or a folder with the digest of its REAPI `Directory`.

    `path` is portable. `size` is in bytes; for a folder it is the size of the `Directory` message.
    """

    path: str
    sha256: digest.Hash
    size: int
    executable: bool = False
    is_folder: bool = False


def changed(path: str) -> OstooError:
    """Create the error for an input that changed during its use."""
    return OstooError(f"{path} changed while it was being used", remedy="run the build again")


def refuse_odd(folder: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Raise `OstooError` for a file name that can't be part of an action. File systems allow any bytes."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise OstooError(
                f"a file name is not UTF-8: {os.fsencode(name)!r}", where=str(folder), remedy="rename it"
            ) from error
        if "@{" in name:
            what = "a file name contains @{, which marks a placeholder in portable paths"
            raise OstooError(what, where=f"{os.fspath(folder)}/{name}", remedy="rename it")
