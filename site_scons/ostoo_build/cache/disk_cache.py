"""A content-addressable store and action results in one folder.

`ac/` contains results by action digest, `cas/` zstd-compressed files by sha256. Any number of processes may use the
folder at once: entries are written under another name and renamed, and each read is verified by sha256. A bad entry is
a miss. Using an entry updates its mtime; the least recently used entries are evicted first.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, BinaryIO

import zstandard
from msgspec import Struct

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.base import digest, state_file
from ostoo_build.cache import folder as cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LEVEL = 1
_CHUNK = 1 << 20


class DiskCache(Struct, frozen=True):
    """The cache folder. Writing raises `OSError`; an unreadable entry is a miss.

    `limit` is the size in bytes to which the folder is reduced from time to time.
    """

    folder: Path
    limit: int

    def result(self, key: digest.Hash) -> bytes | None:
        """Read the serialized result of an action; return None if there is no trustworthy one."""
        path = self._result_path(key)
        try:
            found, _, content = state_file.read(path).partition(b"\n")
        except OSError:
            return None
        if found != checksum(key, content):
            return None
        _touch(path)
        return content

    def keep_result(self, key: digest.Hash, content: bytes) -> None:
        """Store a result whose files are all stored."""
        self._write(self._result_path(key), checksum(key, content) + b"\n" + content)

    def forget(self, key: digest.Hash) -> None:
        """Remove a result whose files are missing."""
        with contextlib.suppress(OSError):  # the folder may be read-only, or contain something else under that name
            self._result_path(key).unlink()

    def has(self, sha256: digest.Hash) -> bool:
        return _is_file(self._blob_path(sha256))

    def read(self, sha256: digest.Hash, target: Path) -> bool:
        """Write a stored file to `target` atomically; return False if it is missing or damaged.

        Raises `OSError` if `target` can't be written, which says nothing about the cache.
        """
        blob = self._blob_path(sha256)
        try:
            with state_file.opened(blob) as compressed, target.open("wb") as stream:
                intact = _decompress(compressed, stream) == sha256
        except _UnreadableError:
            intact = False
        except OSError as error:
            target.unlink(missing_ok=True)
            if error.filename == str(blob):
                return False
            error.filename = error.filename or str(target)
            raise
        if intact:
            _touch(blob)
        else:
            target.unlink()
            with contextlib.suppress(OSError):  # the folder may be read-only
                blob.unlink()
        return intact

    def keep(self, path: Path, sha256: digest.Hash) -> None:
        """Store a file. Raises `ChangedError` if its contents do not match the digest."""
        blob = self._blob_path(sha256)
        if _is_file(blob):
            _touch(blob)
            return
        data = path.read_bytes()
        if digest.of_bytes(data) != sha256:
            raise ChangedError
        self._write(blob, zstandard.ZstdCompressor(level=_LEVEL).compress(data))

    def _write(self, path: Path, content: bytes) -> None:
        cache_folder.claim(self.folder)
        state_file.make_way(path)
        state_file.replace(path, content, 0o666)

    def _result_path(self, key: digest.Hash) -> Path:
        return self.folder / "ac" / key[:2] / key

    def _blob_path(self, sha256: digest.Hash) -> Path:
        return self.folder / "cas" / sha256[:2] / sha256


def checksum(key: digest.Hash, content: bytes) -> bytes:
    """Return the checksum in front of a result. It covers the key, so that a result under another's name is a miss."""
    return digest.of_bytes(key.encode() + content).encode()


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):  # the folder may be read-only, or the entry just evicted
        os.utime(path)


def _is_file(path: Path) -> bool:
    """Whether there is a readable file."""
    return path.is_file() and not path.is_symlink() and os.access(path, os.R_OK)


class _UnreadableError(Exception):
    """The stored data is not a zstd stream, or the disk can't read it."""


def _decompress(compressed: BinaryIO, stream: BinaryIO) -> digest.Hash:
    hasher = hashlib.sha256()
    chunks = zstandard.ZstdDecompressor().read_to_iter(compressed, write_size=_CHUNK)
    while chunk := _next(chunks):
        hasher.update(chunk)
        stream.write(chunk)
    stream.flush()
    return hasher.hexdigest()


def _next(chunks: Iterator[bytes]) -> bytes:
    try:
        return next(chunks, b"")
    except (zstandard.ZstdError, OSError) as error:
        raise _UnreadableError from error
