"""Stores the result of an action (`action.json`) in the build folder, and checks outputs against it.

The record is written last and contains each output's digest: outputs that have no record, or differ from it, do not
count.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from ostoo_build.actions.learned import Learned
from ostoo_build.base import digest, numbered, stamps, state_file
from ostoo_build.base.source_files import write_output

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from ostoo_build.base.stamps import Stamp

NAME = "action.json"

INCREMENTAL = "incremental"
"""rustc's incremental state within a unit's folder; not an output."""

_STAMPS = ".stamps.json"

OutputStamps: TypeAlias = "Mapping[str, Stamp | None]"
"""Stamps of files by name; None for a missing file."""


class Output(Struct, frozen=True):
    """A file that an action made."""

    sha256: digest.Hash
    size: int
    executable: bool


class Record(Struct, frozen=True):
    """The result of the action with this key: outputs by name within its folder, and its messages, portable.

    `stdout` is that of a build script, `stderr` is shown to the user. `bound_to` is empty, or a digest of the
    checkout's path if the outputs may contain that path; they are valid in that checkout only. `learned` is what the
    run told of its inputs: the key is that of the action in this case. `folders` are the empty folders among the
    outputs. `is_answer` is false if the inputs differed from those in the key: then the outputs are valid for one
    invocation.
    """

    key: digest.Hash
    outputs: dict[str, Output]
    stdout: str = ""
    stderr: str = ""
    bound_to: str = ""
    learned: Learned = Learned()
    folders: tuple[str, ...] = ()
    is_answer: bool = True

    def to_bytes(self) -> bytes:
        return digest.canonical_json({**numbered.to_builtins(self), "seal": self._seal()})

    def _seal(self) -> digest.Hash:
        """Digest of the record's contents: after a bit flip it may still be parsable, but wrong."""
        return digest.of_json(numbered.to_builtins(self))

    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """Parse the output of `to_bytes`. Raises `OtherFormatError`, and `ValueError` if it is not a record."""
        read = numbered.from_json(data, _Sealed)
        found = Record(**{name: getattr(read, name) for name in Record.__struct_fields__})
        if read.seal != found._seal():
            raise ValueError("the record is damaged")
        if not all(map(_is_below, (*found.outputs, *found.folders))):
            raise ValueError("an output lies outside the action's folder")
        return found


class _Sealed(Record, frozen=True):
    seal: digest.Hash = ""


def _is_below(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/")


def load(folder: Path) -> Record | None:
    """Read a folder's record; return None if it is missing or damaged."""
    return read(folder / NAME)


def read(path: Path) -> Record | None:
    """Read one record; return None if it is missing, damaged, or of another version."""
    content = state_file.recall(path)
    if content is None:
        return None
    try:
        return Record.from_bytes(content)
    except numbered.OtherFormatError:
        return None
    except (ValueError, RecursionError):
        state_file.found_damaged(path)
        return None


def save(folder: Path, record: Record, before: OutputStamps | None = None) -> None:
    """Write a record, which makes the outputs in a folder count.

    `before` are the stamps that the outputs had before they were hashed.
    """
    _remember(folder, record, output_stamps(folder, record.outputs) if before is None else before)
    write_output(folder / NAME, record.to_bytes())


def discard(folder: Path) -> None:
    """Remove a folder's record, so that its outputs no longer count."""
    state_file.remove(folder / NAME)


def is_intact(folder: Path, record: Record) -> bool:
    """Whether each output still matches the record; a file is read only if its stamp changed.

    Outputs that were not yet fetched from the cache count as intact.
    """
    known = _stamps(folder)
    try:
        before = output_stamps(folder, record.outputs)
        anew = [name for name, output in record.outputs.items() if [before[name], output.sha256] != known.get(name)]
        if not all(holds(folder / name, record.outputs[name]) for name in anew):
            return False
    except OSError:
        return False
    if anew:
        _remember(folder, record, before)
    return all(os.path.isdir(f"{folder}/{name}") for name in record.folders)  # noqa: PTH112 - many of them


def is_all(folder: Path, tree: str, record: Record) -> bool:
    """Whether the folder `tree` within an action's folder contains nothing that the record does not list."""
    above = _folders_above(record.outputs)
    for place, folders, files in os.walk(folder / tree):
        at = os.path.relpath(place, folder)
        names = [f"{at}/{name}" for name in folders]
        links = [name for name in names if os.path.islink(folder / name)]  # noqa: PTH114 - many of them
        if links or not record.outputs.keys() >= {f"{at}/{name}" for name in files}:
            return False
        if not (folders or at == tree or at in above or at in record.folders):
            return False
    return os.path.isdir(folder / tree)  # noqa: PTH112 - as above


def keep_only(folder: Path, record: Record) -> OutputStamps:
    """Remove everything from an action's folder that is not an intact output; return the stamps of those that are.

    Subfolders with a record belong to another action and stay. Raises `OSError` if something can't be removed.
    """
    above = _folders_above((*record.outputs, *(f"{name}/" for name in record.folders)))
    return dict(_keep_only(folder, "", record, above))


def _keep_only(folder: Path, below: str, record: Record, above: Collection[str]) -> Iterator[tuple[str, Stamp]]:
    state_file.open_up(folder / below)
    with os.scandir(folder / below) as entries:
        found = list(entries)
    for entry in found:
        name = f"{below}{entry.name}"
        if not entry.is_dir(follow_symlinks=False):
            stamp = _stamp_if_good(folder / name, record.outputs.get(name))
            if stamp is None:
                state_file.remove(entry.path)
            else:
                yield name, stamp
        elif name in above:
            yield from _keep_only(folder, f"{name}/", record, above)
        elif below or not (entry.name == INCREMENTAL or _is_anothers(folder / name)):
            state_file.remove(entry.path)


def _is_anothers(folder: Path) -> bool:
    try:
        return bool(Record.from_bytes(state_file.read(folder / NAME)))
    except (OSError, ValueError, RecursionError):
        return False


def _folders_above(names: Collection[str]) -> set[str]:
    """Return all folders that contain these files."""
    return {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}


def is_good(path: Path, output: Output) -> bool:
    """Whether the file at `path` is the given output."""
    return _stamp_if_good(path, output) is not None


def _stamp_if_good(path: Path, output: Output | None) -> Stamp | None:
    """Return the stamp that a file had before it was read; None if it is not the given output."""
    try:
        before = stamps.of(path)
        return before if output is not None and holds(path, output) else None
    except OSError:
        return None


def observe(path: Path) -> Output:
    """Describe a file. Raises `OSError` if it is not a readable regular file."""
    size, executable = _outside(path)
    return Output(digest.of_file(path), size, executable)


def holds(path: Path, output: Output) -> bool:
    """Whether a file is the given output; a file of another size is not read. Raises as `observe` does."""
    return _outside(path) == (output.size, output.executable) and digest.of_file(path) == output.sha256


def _outside(path: Path) -> tuple[int, bool]:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is not a regular file")
    return status.st_size, bool(status.st_mode & stat.S_IXUSR)


def _stamps(folder: Path) -> dict[str, list[Any]]:
    """Return the stored stamps by name, each with the digest at that time, which must be the record's."""
    raw = state_file.recall_json(folder / _STAMPS)
    return raw if isinstance(raw, dict) else {}


def output_stamps(folder: Path, names: Collection[str]) -> OutputStamps:
    """Return the current stamps of files. Taken before hashing, so that a later change alters the stamp.

    Raises `OSError` for a file that can't be examined.
    """
    return {name: _stamp(f"{folder}/{name}") for name in names}


def _stamp(path: str) -> Stamp | None:
    """Return None for a missing file."""
    try:
        return stamps.of(path)
    except FileNotFoundError:
        return None


def remember(folder: Path, record: Record, fetched: Collection[str]) -> None:
    """Store the stamps of outputs that were just written, beside those of the others."""
    if fetched:
        _note(folder, {**_stamps(folder), **_noted(record, output_stamps(folder, fetched))})


def _remember(folder: Path, record: Record, before: OutputStamps) -> None:
    _note(folder, _noted(record, {name: before[name] for name in record.outputs}))


def _noted(record: Record, known: OutputStamps) -> dict[str, list[Any]]:
    return {name: [stamp, record.outputs[name].sha256] for name, stamp in known.items()}


def _note(folder: Path, noted: dict[str, list[Any]]) -> None:
    state_file.write(folder / _STAMPS, state_file.sealed(json.dumps(noted).encode()))
