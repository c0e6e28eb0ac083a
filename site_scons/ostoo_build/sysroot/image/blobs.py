"""Reads the files of a saved container image: a tar file or a folder, compressed or not."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import stat
import tempfile
import zlib
from typing import IO, TYPE_CHECKING, Protocol, cast

import zstandard

from ostoo_build.base.errors import OstooError
from ostoo_build.sysroot.image import tar as tar_members

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.base import digest

MAX_UNPACKED = 16 << 30
"""The maximum size of an unpacked tar file in bytes."""

MAX_RATIO = 200
"""The maximum compression ratio of files above `_SMALL`. Layers with programs and headers stay below 20."""

_SMALL = 16 << 20
_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Blobs(Protocol):
    """The regular files in an archive, by name. `where` is the archive, for errors."""

    where: str

    def has(self, name: str) -> bool: ...

    def open(self, name: str) -> io.RawIOBase:
        """Open a file for reading and seeking. Raises `OstooError` if it is missing or not a regular file."""


def open_regular(path: Path, flags: int, where: str) -> io.FileIO:
    """Open a file for reading. Raises `OstooError`, which names `where`, if it is missing or not a regular file."""
    try:  # a fifo would make open() wait
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    except OSError as error:
        raise OstooError(f"can't read the image: {error.strerror}", where=where) from error
    file = io.FileIO(descriptor)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OstooError("not a regular file", where=where)
    return file


@contextlib.contextmanager
def opened(path: Path, scratch: Path) -> Iterator[Blobs]:
    """Open an archive. If it is compressed as a whole, it is unpacked to an unnamed file in `scratch`.

    Raises `OstooError` if it is damaged, or unpacks to more than the limits allow.
    """
    if path.is_dir():
        yield _Folder(path)
        return
    where = str(path)
    with open_regular(path, 0, where) as file:
        if _is_packed(file):
            with unpacked(file, scratch, where) as tar:
                yield _Tar(tar, where)
        else:
            yield _Tar(file, where)


@contextlib.contextmanager
def unpacked(packed: io.RawIOBase, scratch: Path, where: str) -> Iterator[io.RawIOBase]:
    """Yield the unpacked contents of a gzip, zstd or uncompressed file, as an unnamed file in `scratch`.

    Raises `OstooError` for damaged data, or more of it than `MAX_RATIO` or `MAX_UNPACKED` allow.
    """
    limit = min(MAX_UNPACKED, max(_SMALL, MAX_RATIO * packed.seek(0, os.SEEK_END)))
    with tempfile.TemporaryFile(dir=scratch) as file:
        try:
            _copy(_unpacker(packed), file, limit)
        except (EOFError, ValueError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as error:
            raise OstooError(f"can't unpack: {error}", where=where) from error
        yield file.raw


def _copy(source: _Readable, sink: IO[bytes], limit: int) -> None:
    while chunk := source.read(_CHUNK):
        limit -= len(chunk)
        if limit < 0:
            raise ValueError("it is larger than an image's layer can be")
        sink.write(chunk)
    sink.flush()


def sha256(file: io.RawIOBase) -> digest.Hash:
    """Hash a file from the beginning. The position is at its end afterwards."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = str(folder)

    def has(self, name: str) -> bool:
        return os.path.lexists(self._folder / name)

    def open(self, name: str) -> io.RawIOBase:
        return open_regular(self._folder / name, os.O_NOFOLLOW, f"{self.where}: {name}")


class _Tar:
    def __init__(self, tar: io.RawIOBase, where: str) -> None:
        self._tar = tar
        self.where = where
        self._members: dict[str, tar_members.Member] = {}
        for member in tar_members.members(tar, where):
            name = "/".join(member.path)
            if member.kind is tar_members.MemberKind.FILE and self._members.setdefault(name, member) is not member:
                raise OstooError(f"contains {name} twice", where=where)

    def has(self, name: str) -> bool:
        return name in self._members

    def open(self, name: str) -> io.RawIOBase:
        if name not in self._members:
            raise OstooError(f"contains no regular file {name}", where=self.where)
        return _Slice(self._tar, self._members[name])


class _Slice(io.RawIOBase):
    """One member of a tar file, readable as a file."""

    def __init__(self, tar: io.RawIOBase, member: tar_members.Member) -> None:
        super().__init__()
        self._tar = tar
        self._start = member.offset
        self._size = member.size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed: any buffer
        self._tar.seek(self._start + self._position)
        data = self._tar.read(min(len(buffer), max(0, self._size - self._position))) or b""
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


def _is_packed(file: io.RawIOBase) -> bool:
    file.seek(0)
    magic = file.read(4) or b""
    file.seek(0)
    return magic.startswith((_GZIP_MAGIC, _ZSTD_MAGIC))


def _unpacker(packed: io.RawIOBase) -> _Readable:
    packed.seek(0)
    magic = packed.read(4) or b""
    packed.seek(0)
    if magic.startswith(_GZIP_MAGIC):
        return gzip.GzipFile(fileobj=packed)
    if magic == _ZSTD_MAGIC:
        unpack = zstandard.ZstdDecompressor()  # refuses frames that ask for more than 128 MiB of memory
        return unpack.stream_reader(cast("IO[bytes]", packed), read_across_frames=True, closefd=False)
    return packed
