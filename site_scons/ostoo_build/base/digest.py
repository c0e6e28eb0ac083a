"""Content digests: lower-case hexadecimal sha256, as in REAPI. Does not know what is hashed or why."""

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
"""64 lower-case hexadecimal digits of a sha256."""


def of_bytes(data: bytes) -> Hash:
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> Hash:
    """Hash a regular file's contents in chunks. Raises `OSError` where it can't be read."""
    with opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def opened(path: str | Path) -> BufferedReader:
    """Open a regular file, or what a link leads to. Raises `OSError` for anything else: a pipe may keep one waiting."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return open(descriptor, "rb")  # noqa: PTH123 - a descriptor


def text_of(path: Path) -> str:
    """A text as UTF-8, with a sign for what is none. Raises `OSError` as `opened` does."""
    with opened(path) as stream:
        return stream.read().decode("utf-8", "replace")


def of_json(value: object) -> Hash:
    """Hash a JSON-like value (dict, list, tuple, str, int, bool, None) in its canonical form."""
    return of_bytes(canonical_json(value))


def canonical_json(value: object) -> bytes:
    """Sorted keys, no white space, UTF-8: equal values give equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")
