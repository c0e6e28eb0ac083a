"""Reads and writes the build's state files, and treats anything unexpected in their place as damage.

Any user with write access may have put a folder, a pipe or a terabyte of zeros there. A damaged state file costs time
only: it is recreated. This module imports nothing that Python has not already loaded, so that `null_build` can use it.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # loading `typing` takes longer than everything else
    from collections.abc import Callable
    from typing import BinaryIO

FORMAT = 6
"""The number of the form of all state that builds leave: records, results, logs, memos, notes and reports.

Raise it with each change of what one of them contains or means. State with another number is made anew, and a key with
another number finds no result in a cache.
"""

LIMIT = 256 << 20
"""Maximum size in bytes; no state file is larger."""

_DIGITS = 64
"""Length of a sha256 in hexadecimal."""

damaged: dict[str, None] = {}
"""The damaged files that this process found, in order; reported at the end of a build."""


def read(path: str | os.PathLike[str]) -> bytes:
    """Read a regular file without blocking.

    Raises `OSError` for a link, another file type, and too large or unreadable files.
    """
    with opened(path) as stream:
        if os.fstat(stream.fileno()).st_size > LIMIT:
            raise OSError(errno.EFBIG, "too large", os.fspath(path))
        return stream.read()


def opened(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading without blocking. Raises `OSError` for a link or another file type."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return open(descriptor, "rb")  # noqa: PTH123 - no pathlib here


def recall(path: str | os.PathLike[str]) -> bytes | None:
    """Read a file; return None if it is missing or damaged. Damage is recorded in `damaged`."""
    try:
        return read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        found_damaged(path)
        return None


def sealed(content: bytes) -> bytes:
    """Prepend `FORMAT` and a digest, which `recall_sealed` verifies.

    After a bit flip a file may still be parsable, but wrong.
    """
    return _seal(content) + b"\n" + content


def recall_sealed(path: str | os.PathLike[str]) -> bytes | None:
    """Read a file that was written `sealed`; return None if it is missing, damaged, or of another version.

    Damage is recorded.
    """
    found = recall(path)
    if found is None:
        return None
    seal, _, content = found.partition(b"\n")
    if seal == _seal(content):
        return content
    if not _is_of_another_version(seal):
        found_damaged(path)
    return None


def _seal(content: bytes) -> bytes:
    import hashlib  # noqa: PLC0415 - `null_build` needs none

    return b"%d %s" % (FORMAT, hashlib.sha256(content).hexdigest().encode())


def _is_of_another_version(seal: bytes) -> bool:
    """Whether a seal has another number, or none as those of the first versions."""
    number, _, digest = seal.rpartition(b" ")
    return len(digest) == _DIGITS and number != b"%d" % FORMAT and (number.isdigit() or not number)


def recall_json(path: str | os.PathLike[str]) -> object:
    """Read a sealed JSON document; return None if it is missing or damaged. Damage is recorded."""
    content = recall_sealed(path)
    if content is None:
        return None
    import json  # noqa: PLC0415 - `null_build` needs none

    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        found_damaged(path)
        return None
    return found


def found_damaged(path: str | os.PathLike[str]) -> None:
    """Record that a file can't be parsed, and remove it."""
    damaged[os.fspath(path)] = None
    try:  # noqa: SIM105 - contextlib is not loaded yet
        remove(path)
    except OSError:
        pass


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file atomically with mode 0600; anything else in its place is removed.

    Raises `OSError` if that fails.
    """
    make_way(path)
    replace(path, content, 0o600)


def make_way(path: str | os.PathLike[str]) -> None:
    """Remove anything in a file's place that is not a readable regular file. Raises `OSError` if that fails."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        _remove_folder(path)
    elif not (stat.S_ISREG(mode) and os.access(path, os.R_OK)):
        os.unlink(path)  # noqa: PTH108 - no pathlib here


def _remove_folder(path: str | os.PathLike[str]) -> None:
    """Remove a folder, even if its permissions forbid that to its owner."""
    import shutil  # noqa: PLC0415 - nobody but damage, and what actions left, brings a folder there

    open_up(path)
    for place, folders, _ in os.walk(path):
        for name in folders:
            open_up(os.path.join(place, name))  # noqa: PTH118 - no pathlib here
    shutil.rmtree(path)


def open_up(folder: str | os.PathLike[str]) -> None:
    """Make a folder's contents removable by setting permissions, where the user owns it; links are left alone."""
    try:
        mode = os.lstat(folder).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)  # noqa: PTH101 - no pathlib here
    except OSError:  # removal may work anyway
        pass


def remove(path: str | os.PathLike[str]) -> None:
    """Remove whatever is at `path`. Raises `OSError` if that fails."""
    make_way(path)
    try:  # noqa: SIM105 - contextlib is not loaded yet
        os.unlink(path)  # noqa: PTH108 - no pathlib here
    except (FileNotFoundError, NotADirectoryError):  # a file in the place of its folder means the same
        pass


def replace(path: str | os.PathLike[str], content: bytes, mode: int) -> None:
    """Write a file atomically with the given mode. Raises `OSError`."""

    def fill(temporary: str) -> None:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - no pathlib here
            stream.write(content)

    put(beside(path), path, fill)


def beside(path: str | os.PathLike[str]) -> str:
    """Return a temporary name in the same folder, and create the folder."""
    folder, name = os.path.split(os.fspath(path))
    os.makedirs(folder or ".", exist_ok=True)  # noqa: PTH103 - no pathlib here
    return os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}")  # noqa: PTH118 - likewise


def put(temporary: str, path: str | os.PathLike[str], fill: Callable[[str], None]) -> None:
    """Have `fill` create a file under the temporary name and rename it to `path`; on an error nothing changes.

    Raises what `fill` raises.
    """
    try:
        fill(temporary)
        os.replace(temporary, path)  # noqa: PTH105 - no pathlib here
    except BaseException as error:
        try:  # noqa: SIM105 - contextlib is not loaded yet
            os.unlink(temporary)  # noqa: PTH108 - likewise
        except OSError:
            pass
        if isinstance(error, OSError):
            error.filename = error.filename or os.fspath(path)  # the error of a full disk names no file
        raise
