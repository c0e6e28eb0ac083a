"""Converts records to results of the Remote Execution API, and back.

A result names files by portable paths, a record by names below one folder. Results of this build contain the
placeholder of the root where those of a remote executor contain its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from ostoo_build.actions.learned import Learned
from ostoo_build.actions.record import Output, Record
from ostoo_build.base import decoders, digest
from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.reapi import remote_execution_pb2 as api

if TYPE_CHECKING:
    from google.protobuf import message

Message = TypeVar("Message", bound="message.Message")

_SHA256 = lazy_pattern("[0-9a-f]{64}")
_ROOT_LINE = "@{root}\n"
"""The launcher's first line is the root folder of an action; in stored results it is this placeholder."""

_LEARNED = "@{learned}"
"""The prefix of the line with what the run told of its inputs and variables; no portable text begins with it."""


_EMPTY = api.Tree(root=api.Directory()).SerializeToString(deterministic=True)
_NOTHING = api.Digest(hash=digest.of_bytes(_EMPTY), size_bytes=len(_EMPTY))
"""The digest of an empty folder's `Tree`."""


def from_record(record: Record, folder: str) -> bytes:
    """Convert a record to a serialized `ActionResult`. Its outputs are in the portable path `folder`."""
    files = [_output_file(f"{folder}/{name}", output) for name, output in sorted(record.outputs.items())]
    folders = [api.OutputDirectory(path=f"{folder}/{name}", tree_digest=_NOTHING) for name in sorted(record.folders)]
    told = f"{_LEARNED}{msgspec.json.encode(record.learned).decode()}\n" if record.learned != Learned() else ""
    stdout = f"{_ROOT_LINE}{told}{record.stdout}" if record.stdout or told else ""
    result = api.ActionResult(
        output_files=files,
        output_directories=folders,
        stdout_raw=stdout.encode(),
        stderr_raw=record.stderr.encode(),
    )
    return result.SerializeToString(deterministic=True)


def to_record(content: bytes, key: digest.Hash, folder: str) -> Record:
    """Read what `from_record` wrote. Raises `ValueError` for anything else."""
    result = parsed(api.ActionResult, content)
    stdout = result.stdout_raw.decode()
    # stdout and stderr may be separate blobs, which this result does not contain
    is_elsewhere = result.stdout_digest.size_bytes or result.stderr_digest.size_bytes
    has_others = result.output_symlinks or any(each.tree_digest != _NOTHING for each in result.output_directories)
    if result.exit_code or is_elsewhere or has_others or not stdout.startswith(_ROOT_LINE if stdout else ""):
        raise ValueError("not a result of this build")
    outputs = {_name(file.path, folder): output(file) for file in result.output_files}
    folders = tuple(_name(each.path, folder) for each in result.output_directories)
    said, learned = _apart(stdout.removeprefix(_ROOT_LINE))
    return Record(key, outputs, said, result.stderr_raw.decode(), folders=folders, learned=learned)


def _apart(stdout: str) -> tuple[str, Learned]:
    """Split stdout into the action's own output and what its run told. Raises `ValueError` if it is invalid."""
    if not stdout.startswith(_LEARNED):
        return stdout, Learned()
    line, _, said = stdout.removeprefix(_LEARNED).partition("\n")
    return said, decoders.decode(line.encode(), Learned)


def messages_of(record: Record) -> dict[digest.Hash, bytes]:
    """Return the messages, by digest, that a record's result refers to."""
    return {_NOTHING.hash: _EMPTY} if record.folders else {}


def files_of(content: bytes) -> tuple[digest.Hash, ...]:
    """Return the digests of a result's files. Raises `ValueError` if it is not a result."""
    return tuple(file.digest.hash for file in parsed(api.ActionResult, content).output_files)


def parsed(kind: type[Message], content: bytes) -> Message:
    """Parse a message. Raises `ValueError` if it is not of that type."""
    try:
        return kind.FromString(content)
    except Exception as error:
        # protobuf's DecodeError has another home in each of its implementations
        raise ValueError(f"no {kind.__name__}") from error


def _output_file(path: str, output: Output) -> api.OutputFile:
    content = api.Digest(hash=output.sha256, size_bytes=output.size)
    return api.OutputFile(path=path, digest=content, is_executable=output.executable)


def output(file: api.OutputFile | api.FileNode) -> Output:
    """Convert a message to an `Output`. Raises `ValueError` for an invalid digest."""
    return Output(*checked(file.digest), file.is_executable)


def checked(said: api.Digest) -> tuple[digest.Hash, int]:
    """Return hash and size of a digest. Raises `ValueError` if it is invalid, as the hash becomes a file name."""
    if not _SHA256.fullmatch(said.hash) or said.size_bytes < 0:
        raise ValueError(f"{said.hash!r} is not a digest")
    return said.hash, said.size_bytes


def _name(path: str, folder: str) -> str:
    name = path.removeprefix(f"{folder}/")
    if name == path or {"", ".", ".."} & set(name.split("/")):
        raise ValueError(f"{path} lies outside of {folder}")
    return name
