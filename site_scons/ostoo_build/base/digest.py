"""Content digests: sha256 in lower-case hexadecimal, as in the Remote Execution API."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from io import BufferedReader
    from pathlib import Path

Hash = str
"""A sha256 as 64 lower-case hexadecimal digits."""


def of_bytes(data: bytes) -> Hash:
    return hashlib.sha256(data).hexdigest()


_AT_ONCE = 1 << 18
"""Files up to this size in bytes are read whole: the standard library's buffer for chunks takes longer than they."""


_LARGE = 1 << 20
"""Bytes from which on a thread is worth it."""


def of_file(path: Path) -> Hash:
    """Hash a regular file, a large one in chunks. Raises `OSError` if it can't be read."""
    descriptor, size = _regular(path)
    if size <= _AT_ONCE:
        with os.fdopen(descriptor, "rb", buffering=0) as small:
            return of_bytes(small.readall())
    with os.fdopen(descriptor, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def of_files(paths: Sequence[Path]) -> list[Hash]:
    """Hash regular files, as `of_file` does. Large ones are hashed by threads.

    Of small ones threads would mostly wait for each other: core's 300 sources took them twice as long.
    """
    large = [path for path in paths if os.stat(path).st_size > _LARGE]  # noqa: PTH116 - many of them
    found: dict[Path, Hash] = {}
    if len(large) > 1:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - a start with nothing to do needs none

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found = dict(zip(large, threads.map(of_file, large), strict=True))
    return [found[path] if path in found else of_file(path) for path in paths]


def opened(path: str | Path) -> BufferedReader:
    """Open a regular file for reading, following links.

    Raises `OSError` for anything else: opening a pipe could block.
    """
    return os.fdopen(_regular(path)[0], "rb")


def _regular(path: str | Path) -> tuple[int, int]:
    """Return the descriptor of an opened regular file, and its size in bytes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        return descriptor, found.st_size
    os.close(descriptor)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "not a regular file", str(path))


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
