"""The result of an action as it lies in the build folder. Does not know how it came about.

The record is written last and names each output's digest: outputs without a record, or that differ from it, do not
count.
"""

from __future__ import annotations

import json
import stat
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from ostoo_build import decoders, digest, state_file
from ostoo_build.source_tree import Signature, signature, write_output

if TYPE_CHECKING:
    from pathlib import Path

NAME = "action.json"

_SIGNATURES = ".signatures.json"


@dataclass(frozen=True)
class Output:
    """One file that an action made."""

    sha256: digest.Hash
    size: int
    executable: bool


@dataclass(frozen=True)
class Record:
    """What an action with this key made: files by name within its folder, and what it wrote, as portable texts.

    `stdout` is a build script's, `stderr` what the user is told. `bound_to` is empty, or a digest of the checkout's
    path where the outputs may hold that path: they are then good for nothing else. `reads` are the portable paths of
    inputs that only the action's run told of; the key is that of the action with them.
    """

    key: digest.Hash
    outputs: dict[str, Output]
    stdout: str = ""
    stderr: str = ""
    bound_to: str = ""
    reads: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        return digest.canonical_json({**asdict(self), "seal": self._seal()})

    def _seal(self) -> digest.Hash:
        """A flipped bit may leave a record that can be understood, and is wrong."""
        return digest.of_json(asdict(self))

    @staticmethod
    def from_bytes(data: bytes) -> Record:
        """Read what `to_bytes` wrote. Raises `ValueError` where it is not a record."""
        read: _Sealed = decoders.decode(data, _Sealed)
        found = Record(**{field.name: getattr(read, field.name) for field in fields(Record)})
        if read.seal != found._seal():
            raise ValueError("the record was altered")
        if not all(map(_is_below, found.outputs)):
            raise ValueError("an output lies outside the action's folder")
        return found


@dataclass(frozen=True)
class _Sealed(Record):
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


def save(folder: Path, record: Record) -> None:
    """Make the outputs in a folder count."""
    remember(folder, record)
    write_output(folder / NAME, record.to_bytes())


def discard(folder: Path) -> None:
    """Take a folder's record away: from here on its outputs do not count."""
    state_file.remove(folder / NAME)


def is_intact(folder: Path, record: Record) -> bool:
    """Whether each output is still what the record says; contents are read only where a file's signature changed.

    Outputs that were never fetched from the cache are none the worse for that.
    """
    known = _signatures(folder)
    hashed = False
    for name, output in record.outputs.items():
        try:
            if [_signature(folder / name), output.sha256] == known.get(name):
                continue
            if not holds(folder / name, output):
                return False
        except OSError:
            return False
        hashed = True
    if hashed:
        remember(folder, record)
    return True


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


def _signatures(folder: Path) -> dict[str, list[Any]]:
    """By name what a file looked like, and the digest that it had then: it must be the record's."""
    raw = state_file.recall_json(folder / _SIGNATURES)
    return raw if isinstance(raw, dict) else {}


def _signature(path: Path) -> Signature | None:
    """None for a file that is not here."""
    try:
        return signature(path)
    except FileNotFoundError:
        return None


def remember(folder: Path, record: Record) -> None:
    """Note what outputs look like that are known to be right."""
    signatures = {name: [_signature(folder / name), output.sha256] for name, output in record.outputs.items()}
    state_file.write(folder / _SIGNATURES, state_file.sealed(json.dumps(signatures).encode()))
