"""The result of an action as it lies in the build folder. Does not know how it came about.

The record is written last and names each output's digest: outputs without a record, or that differ from it, do not
count.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, to_builtins

from ostoo_build.base import decoders, digest, stamps, state_file
from ostoo_build.base.source_files import write_output

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ostoo_build.base.stamps import Stamp

NAME = "action.json"

INCREMENTAL = "incremental"
"""The folder in a unit's own in which rustc keeps what it wants to know the next time: no output."""

_STAMPS = ".stamps.json"

Looks: TypeAlias = "Mapping[str, Stamp | None]"
"""What `stat` says of files by name; None for one that is not here."""


class Output(Struct, frozen=True):
    """One file that an action made."""

    sha256: digest.Hash
    size: int
    executable: bool


class Record(Struct, frozen=True):
    """What an action with this key made: files by name within its folder, and what it wrote, as portable texts.

    `stdout` is a build script's, `stderr` what the user is told. `bound_to` is empty, or a digest of the checkout's
    path where the outputs may hold that path: they are then good for nothing else. `reads` are the portable paths of
    inputs that only the action's run told of; the key is that of the action with them. `folders` are those among the
    outputs in which nothing lies. `seen` are the inputs in its package that the run can have read: the key is that of
    the action with these alone. It is None where nobody knows. `is_answer` is false where they were made of inputs
    that differ from those in the key: then they are good for one invocation.
    """

    key: digest.Hash
    outputs: dict[str, Output]
    stdout: str = ""
    stderr: str = ""
    bound_to: str = ""
    reads: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    seen: tuple[str, ...] | None = None
    is_answer: bool = True

    def to_bytes(self) -> bytes:
        return digest.canonical_json({**self._told(), "seal": self._seal()})

    def _seal(self) -> digest.Hash:
        """A flipped bit may leave a record that can be understood, and is wrong."""
        return digest.of_json(self._told())

    def _told(self) -> dict[str, Any]:
        """All that it says; what is seldom said earlier versions did not know."""
        seldom = {"folders": self.folders or None, "seen": self.seen, "is_answer": None if self.is_answer else False}
        return {name: value for name, value in to_builtins(self).items() if seldom.get(name, True) is not None}

    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """Read what `to_bytes` wrote. Raises `ValueError` where it is not a record."""
        read: _Sealed = decoders.decode(data, _Sealed)
        found = Record(**{name: getattr(read, name) for name in Record.__struct_fields__})
        if read.seal != found._seal():
            raise ValueError("the record was altered")
        if not all(map(_is_below, (*found.outputs, *found.folders))):
            raise ValueError("an output lies outside the action's folder")
        return found


class _Sealed(Record, frozen=True):
    seal: digest.Hash = ""


def _is_below(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/")


def load(folder: Path) -> Record | None:
    """Read a folder's record; None where there is none, or it can't be understood."""
    return read(folder / NAME)


def read(path: Path) -> Record | None:
    """Read one record; None where there is none, or it can't be understood."""
    content = state_file.recall(path)
    if content is None:
        return None
    try:
        return Record.from_bytes(content)
    except (ValueError, RecursionError):
        state_file.found_damaged(path)
        return None


def save(folder: Path, record: Record, looks: Looks | None = None) -> None:
    """Make the outputs in a folder count; `looks` are those of outputs from before they were hashed."""
    _remember(folder, record, looks_of(folder, record.outputs) if looks is None else looks)
    write_output(folder / NAME, record.to_bytes())


def discard(folder: Path) -> None:
    """Take a folder's record away: from here on its outputs do not count."""
    state_file.remove(folder / NAME)


def is_intact(folder: Path, record: Record) -> bool:
    """Whether each output is still what the record says; contents are read only where a file's stamp changed.

    Outputs that were never fetched from the cache are none the worse for that.
    """
    known = _stamps(folder)
    try:
        looks = looks_of(folder, record.outputs)
        anew = [name for name, output in record.outputs.items() if [looks[name], output.sha256] != known.get(name)]
        if not all(holds(folder / name, record.outputs[name]) for name in anew):
            return False
    except OSError:
        return False
    if anew:
        _remember(folder, record, looks)
    return all(os.path.isdir(folder / name) for name in record.folders)  # noqa: PTH112 - many of them


def is_all(folder: Path, tree: str, record: Record) -> bool:
    """Whether in the folder `tree` within an action's own nothing lies that the record does not name."""
    above = _folders_above(record.outputs)
    for place, folders, files in os.walk(folder / tree):
        at = os.path.relpath(place, folder)
        names = [f"{at}/{name}" for name in folders]
        links = [name for name in names if os.path.islink(folder / name)]  # noqa: PTH114 - many of them
        if links or not record.outputs.keys() >= {f"{at}/{name}" for name in files}:
            return False
        if not (folders or files or at == tree or at in above or at in record.folders):
            return False
    return os.path.isdir(folder / tree)  # noqa: PTH112 - as above


def keep_only(folder: Path, record: Record) -> None:
    """Take away what lies in an action's folder and is no output that is what it should be.

    Folders with a record of their own are another action's. Raises `OSError` where something can't be taken away.
    """
    above = _folders_above((*record.outputs, *(f"{name}/" for name in record.folders)))
    _keep_only(folder, "", record, above)


def _keep_only(folder: Path, below: str, record: Record, above: Collection[str]) -> None:
    state_file.open_up(folder / below)
    with os.scandir(folder / below) as entries:
        found = list(entries)
    for entry in found:
        name = f"{below}{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            if not is_good(folder / name, record.outputs.get(name)):
                state_file.remove(entry.path)
        elif name in above:
            _keep_only(folder, f"{name}/", record, above)
        elif below or not (entry.name == INCREMENTAL or _is_anothers(folder / name)):
            state_file.remove(entry.path)


def _is_anothers(folder: Path) -> bool:
    try:
        return bool(Record.from_bytes(state_file.read(folder / NAME)))
    except (OSError, ValueError, RecursionError):
        return False


def _folders_above(names: Collection[str]) -> set[str]:
    """All folders in which these files lie."""
    return {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}


def is_good(path: Path, output: Output | None) -> bool:
    """Whether what lies there is an output, and as it should be."""
    try:
        return output is not None and holds(path, output)
    except OSError:
        return False


def observe(path: Path) -> Output:
    """Describe a file. Raises `OSError` where it is not a regular file that can be read."""
    size, executable = _outside(path)
    return Output(digest.of_file(path), size, executable)


def holds(path: Path, output: Output) -> bool:
    """Whether a file is that output: one of another size, which may be huge, is not read. Raises as `observe` does."""
    return _outside(path) == (output.size, output.executable) and digest.of_file(path) == output.sha256


def _outside(path: Path) -> tuple[int, bool]:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is not a regular file")
    return status.st_size, bool(status.st_mode & stat.S_IXUSR)


def _stamps(folder: Path) -> dict[str, list[Any]]:
    """By name what a file looked like, and the digest that it had then: it must be the record's."""
    raw = state_file.recall_json(folder / _STAMPS)
    return raw if isinstance(raw, dict) else {}


def looks_of(folder: Path, names: Collection[str]) -> Looks:
    """What files look like at this moment, before somebody hashes them: what changes them later changes their looks.

    Raises `OSError` for one that may not be looked at.
    """
    return {name: _stamp(folder / name) for name in names}


def _stamp(path: Path) -> Stamp | None:
    """None for a file that is not here."""
    try:
        return stamps.of(path)
    except FileNotFoundError:
        return None


def remember(folder: Path, record: Record) -> None:
    """Note what outputs look like that are known to be right."""
    _remember(folder, record, looks_of(folder, record.outputs))


def _remember(folder: Path, record: Record, looks: Looks) -> None:
    noted = {name: [looks[name], output.sha256] for name, output in record.outputs.items()}
    state_file.write(folder / _STAMPS, state_file.sealed(json.dumps(noted).encode()))
