"""What an action is made from, as its key sees it. Does not read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ostoo_build import digest


class Input(NamedTuple):
    """A file by its contents, or a folder by the digest of its REAPI `Directory`; `size` is in bytes.

    `path` is portable. A folder's size is that of the message.
    """

    path: str
    sha256: digest.Hash
    size: int
    executable: bool = False
    is_folder: bool = False
