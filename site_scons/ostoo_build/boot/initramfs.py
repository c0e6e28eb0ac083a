"""Creates an initramfs (cpio archive) with programs and the script that starts them.

The format is "newc" (kernel documentation, driver-api/early-userspace/buffer-format). Equal contents give equal bytes.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MAGIC = b"070701"
_FOLDER, _PROGRAM, _FILE = 0o040755, 0o100755, 0o100644
_FOLDERS = ("bin", "dev", "proc", "programs", "tmp")
"""Folders that exist in every initramfs."""
_END = "TRAILER!!!"


class Entry(Struct, frozen=True):
    """A file or folder; `mode` is that of `stat`."""

    name: str
    mode: int
    data: bytes = b""


def make(init: Sequence[str], busybox: bytes, files: Mapping[str, bytes], order: Sequence[str]) -> bytes:
    """Return an archive with the script `init` and with `files` at their paths, all of them executable.

    `/order` lists the files in `/programs` that are started.
    """
    above = {str(folder) for name in files for folder in PurePosixPath(name).parents}
    return cpio(
        [
            *(Entry(name, _FOLDER) for name in sorted({*_FOLDERS, *above} - {"."})),
            Entry("bin/busybox", _PROGRAM, busybox),
            Entry("init", _PROGRAM, "".join(f"{line}\n" for line in init).encode()),
            Entry("order", _FILE, "".join(f"{name}\n" for name in order).encode()),
            *(Entry(name, _PROGRAM, data) for name, data in files.items()),
        ]
    )


def cpio(entries: Iterable[Entry]) -> bytes:
    """Return an archive. Folders must precede their contents."""
    return b"".join(_written(number, entry) for number, entry in enumerate([*entries, Entry(_END, 0)], 1))


def _written(number: int, entry: Entry) -> bytes:
    """Return one entry: a header of hexadecimal fields, the name and the data, each padded to four bytes.

    The owner is root, the time is 1970.
    """
    name = entry.name.encode() + b"\0"
    uid = gid = mtime = device = checksum = 0
    fields = (number, entry.mode, uid, gid, 1, mtime, len(entry.data), device, device, device, device, len(name))
    header = _MAGIC + b"".join(b"%08X" % field for field in (*fields, checksum))
    return _filled(header + name) + _filled(entry.data)


def _filled(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
