"""Content digests: sha256 in lower-case hexadecimal, as in the Remote Execution API."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

Hash = str
"""A sha256 as 64 lower-case hexadecimal digits."""


def of_bytes(data: bytes) -> Hash:
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> Hash:
    """Hash a regular file in chunks. Raises `OSError` if it can't be read."""
    with opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def opened(path: str | Path) -> BufferedReader:
    """Open a regular file for reading, following links.

    Raises `OSError` for anything else: opening a pipe could block.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return open(descriptor, "rb")  # noqa: PTH123 - a descriptor


def text_of(path: Path) -> str:
    """Read a file as UTF-8, with a replacement character for invalid bytes. Raises `OSError` as `opened` does."""
    with opened(path) as stream:
        return stream.read().decode("utf-8", "replace")


def of_json(value: object) -> Hash:
    """Hash the canonical form of a JSON-like value (dict, list, tuple, str, int, bool, None)."""
    return of_bytes(canonical_json(value))


def canonical_json(value: object) -> bytes:
    """Encode a value with sorted keys, no white space and UTF-8: equal values give equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")
