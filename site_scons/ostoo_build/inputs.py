"""What an action is made from, as its key sees it. Does not read it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, NamedTuple

from ostoo_build import digest

if TYPE_CHECKING:
    import os


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
