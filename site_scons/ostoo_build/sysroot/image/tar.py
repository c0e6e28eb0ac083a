"""Lists the members of an untrusted tar file. Writes nothing.

`tarfile` parses only the headers; the data is read here, at the position in the header. Its extraction could be escaped
on Python 3.11.7, 3.12.1 and 3.13.0 by a chain of links, even with `filter="data"`, and has no size limit.
"""

from __future__ import annotations

import enum
import io
import tarfile
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MEMBERS = 250_000
_MAX_PATH = 4096
_MAX_HEADER = 1 << 17
"""In bytes. A pax header contains extended attributes too: Linux allows 64 KiB each."""


class MemberKind(enum.Enum):
    """The type of a member. OTHER is a device, a FIFO, a sparse file, or an unknown type."""

    FILE = "regular file"
    FOLDER = "folder"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"
    OTHER = "special file"


class Member(Struct, frozen=True):
    """One header.

    `path` contains neither `.` nor `..`, and is () for the root; `target` is a link's original target.
    """

    path: tuple[str, ...]
    kind: MemberKind
    target: str
    offset: int
    size: int


def members(stream: io.RawIOBase, where: str) -> Iterator[Member]:
    """Yield the members of an uncompressed tar in order.

    Raises `OstooError`, which names `where`, if the file is damaged or truncated, has more than `MAX_MEMBERS` members,
    or a path is absolute, leads upwards or contains a NUL.
    """
    stream.seek(0)
    reads = _BoundedReads(stream)
    try:
        yield from _headers(reads)
    except Exception as error:  # tarfile raises whatever a damaged header provokes
        raise OstooError(f"invalid tar file: {error}", where=where) from error
    finally:
        reads.detach()  # else it closes the stream


def read(stream: io.RawIOBase, member: Member) -> bytes:
    """Return a regular file's contents. The caller must have checked its size."""
    stream.seek(member.offset)
    return stream.read(member.size) or b""


def path_parts(name: str) -> tuple[str, ...]:
    """Split a path below the tar's root. Raises `ValueError` for any other path."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name or len(name) > _MAX_PATH:
        raise ValueError(f"the path {name[:80]!r} is not allowed in an image")
    return tuple(part for part in parts if part not in {"", "."})


class _BoundedReads(io.BufferedReader):
    """Limits the size of headers that `tarfile` reads to memory, for which some of its versions take quadratic time."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _MAX_HEADER:
            raise ValueError(f"a header of {size} bytes")
        return super().read(size)


def _headers(reads: _BoundedReads) -> Iterator[Member]:
    tar = tarfile.open(fileobj=reads, mode="r:", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115 - owns nothing
    last = -1
    for count, info in enumerate(tar, 1):
        if count > MAX_MEMBERS:
            raise ValueError(f"more than {MAX_MEMBERS} members")
        if info.size < 0 or info.offset <= last:
            raise ValueError("a member that ends before it begins")  # tarfile loops for ever: CVE-2025-8194
        last = info.offset
        yield Member(path_parts(info.name), _kind(info), info.linkname, info.offset_data, info.size)
    reads.seek(tar.offset)  # tarfile takes a damaged header for the end
    if reads.read(tarfile.BLOCKSIZE).strip(b"\0") != b"":
        raise ValueError(f"no header at byte {tar.offset}")


def _kind(info: tarfile.TarInfo) -> MemberKind:
    if info.issparse():
        return MemberKind.OTHER
    if info.isreg():
        return MemberKind.FILE
    if info.isdir():
        return MemberKind.FOLDER
    if info.issym():
        return MemberKind.SYMLINK
    return MemberKind.HARDLINK if info.islnk() else MemberKind.OTHER
