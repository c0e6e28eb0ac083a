"""Records and the Remote Execution API's results, each as the other. Does not keep them.

A result names files by their portable paths; a record by their names below one folder. Results of this build hold the
placeholder of the root where an engine's hold its path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ostoo_build.execution.record import Output, Record
from ostoo_build.protocol import remote_execution_pb2 as api

if TYPE_CHECKING:
    from ostoo_build import digest

_SHA256 = re.compile("[0-9a-f]{64}")
_ROOT_LINE = "@{root}\n"
"""What the launcher prints first: where an action ran. Here, anywhere."""


def from_record(record: Record, folder: str) -> bytes:
    """Write a record, whose outputs lie below the portable path `folder`, as an `ActionResult`."""
    files = [_output_file(f"{folder}/{name}", output) for name, output in sorted(record.outputs.items())]
    stdout = f"{_ROOT_LINE}{record.stdout}" if record.stdout else ""
    result = api.ActionResult(output_files=files, stdout_raw=stdout.encode(), stderr_raw=record.stderr.encode())
    return result.SerializeToString(deterministic=True)


def to_record(content: bytes, key: digest.Hash, folder: str) -> Record:
    """Read what `from_record` wrote. Raises `ValueError` for anything else."""
    result = _parsed(content)
    stdout = result.stdout_raw.decode()
    if result.exit_code or result.output_directories or not stdout.startswith(_ROOT_LINE if stdout else ""):
        raise ValueError("not a result of this build")
    outputs = {_name(file.path, folder): _output(file) for file in result.output_files}
    return Record(key, outputs, stdout.removeprefix(_ROOT_LINE), result.stderr_raw.decode())


def files_of(content: bytes) -> tuple[digest.Hash, ...]:
    """The digests of the files that a result names. Raises `ValueError` for what is no result."""
    return tuple(file.digest.hash for file in _parsed(content).output_files)


def _parsed(content: bytes) -> api.ActionResult:
    try:
        return api.ActionResult.FromString(content)
    except Exception as error:
        # protobuf's DecodeError has another home in each of its implementations
        raise ValueError("not an ActionResult") from error


def _output_file(path: str, output: Output) -> api.OutputFile:
    content = api.Digest(hash=output.sha256, size_bytes=output.size)
    return api.OutputFile(path=path, digest=content, is_executable=output.executable)


def _output(file: api.OutputFile) -> Output:
    if not _SHA256.fullmatch(file.digest.hash) or file.digest.size_bytes < 0:
        raise ValueError(f"{file.path} has no digest")
    return Output(file.digest.hash, file.digest.size_bytes, file.is_executable)


def _name(path: str, folder: str) -> str:
    name = path.removeprefix(f"{folder}/")
    if name == path or {"", ".", ".."} & set(name.split("/")):
        raise ValueError(f"{path} lies outside of {folder}")
    return name
