"""Reads and writes the files in which this build remembers things, whatever became of them. Does not know the contents.

Whoever may write to the project's folder may have put anything there: a folder, a pipe, a terabyte of zeros. What is no
file of ours counts as damaged, which costs time only: it is made again. Nothing is imported here that Python has not
loaded already, so that `null_build` may.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to load than all the rest
    from collections.abc import Callable
    from typing import BinaryIO

LIMIT = 256 << 20
"""Bytes: more than any of these files ever has."""

damaged: dict[str, None] = {}
"""The files that this process found damaged, in their order: who reports says so."""


def read(path: str | os.PathLike[str]) -> bytes:
    """Read a file. Raises `OSError` where it is none, a link, too large, or can't be read; never waits for anybody."""
    with opened(path) as stream:
        if os.fstat(stream.fileno()).st_size > LIMIT:
            raise OSError(errno.EFBIG, "it is too large", os.fspath(path))
        return stream.read()


def opened(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading. Raises `OSError` where it is none, or a link; never waits for anybody."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
    return open(descriptor, "rb")  # noqa: PTH123 - no pathlib here


def recall(path: str | os.PathLike[str]) -> bytes | None:
    """Read a file; None where there is none, and where it is damaged, which is noted in `damaged`."""
    try:
        return read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        found_damaged(path)
        return None


def sealed(content: bytes) -> bytes:
    """What `recall_sealed` knows again: a flipped bit may leave what can be understood, and is wrong."""
    return _seal(content) + b"\n" + content


def recall_sealed(path: str | os.PathLike[str]) -> bytes | None:
    """Read what was written `sealed`; None where there is none, and where it is damaged, which is noted."""
    found = recall(path)
    if found is None:
        return None
    seal, _, content = found.partition(b"\n")
    if seal != _seal(content):
        found_damaged(path)
        return None
    return content


def _seal(content: bytes) -> bytes:
    import hashlib  # noqa: PLC0415 - `null_build` needs none

    return hashlib.sha256(content).hexdigest().encode()


def recall_json(path: str | os.PathLike[str]) -> object:
    """Read a sealed JSON document; None where there is none, and where it is damaged, which is noted."""
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
    """Note that what a file says can't be understood, and take it away: nobody may need it for long, and it is told."""
    damaged[os.fspath(path)] = None
    try:  # noqa: SIM105 - contextlib is not loaded yet
        remove(path)
    except OSError:
        pass


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file that only its user may read, or nothing. What else bears its name is taken away.

    Raises `OSError` where that can't be done.
    """
    make_way(path)
    replace(path, content, 0o600)


def make_way(path: str | os.PathLike[str]) -> None:
    """Take away what lies in a file's place and is none, or can't be read. Raises `OSError` where it can't be."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        _remove_folder(path)
    elif not (stat.S_ISREG(mode) and os.access(path, os.R_OK)):
        os.unlink(path)  # noqa: PTH108 - no pathlib here


def _remove_folder(path: str | os.PathLike[str]) -> None:
    """Take a folder away, also one that whoever made it has closed to himself."""
    import shutil  # noqa: PLC0415 - nobody but damage, and what actions left, brings a folder there

    open_up(path)
    for place, folders, _ in os.walk(path):
        for name in folders:
            open_up(os.path.join(place, name))  # noqa: PTH118 - no pathlib here
    shutil.rmtree(path)


def open_up(folder: str | os.PathLike[str]) -> None:
    """Let what lies in a folder be taken away, as far as its owner is who asks; a link is left alone."""
    try:
        mode = os.lstat(folder).st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(folder, stat.S_IMODE(mode) | stat.S_IRWXU)  # noqa: PTH101 - no pathlib here
    except OSError:  # it may be possible all the same
        pass


def remove(path: str | os.PathLike[str]) -> None:
    """Take away whatever lies there. Raises `OSError` where it can't be."""
    make_way(path)
    try:  # noqa: SIM105 - contextlib is not loaded yet
        os.unlink(path)  # noqa: PTH108 - no pathlib here
    except (FileNotFoundError, NotADirectoryError):  # nor is it there where a file lies in its folder's place
        pass


def replace(path: str | os.PathLike[str], content: bytes, mode: int) -> None:
    """Write a whole file or nothing. Raises `OSError`."""

    def fill(temporary: str) -> None:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - no pathlib here
            stream.write(content)

    put(beside(path), path, fill)


def beside(path: str | os.PathLike[str]) -> str:
    """Another name in a file's folder, for what is to take the file's place whole; makes the folder."""
    folder, name = os.path.split(os.fspath(path))
    os.makedirs(folder or ".", exist_ok=True)  # noqa: PTH103 - no pathlib here
    return os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}")  # noqa: PTH118 - likewise


def put(temporary: str, path: str | os.PathLike[str], fill: Callable[[str], None]) -> None:
    """Put in a file's place what `fill` makes under the name `beside` it, or leave all as it was. Raises as `fill`."""
    try:
        fill(temporary)
        os.replace(temporary, path)  # noqa: PTH105 - no pathlib here
    except BaseException as error:
        try:  # noqa: SIM105 - contextlib is not loaded yet
            os.unlink(temporary)  # noqa: PTH108 - likewise
        except OSError:
            pass
        if isinstance(error, OSError):
            error.filename = error.filename or os.fspath(path)  # a disk that is full does not say whose
        raise
