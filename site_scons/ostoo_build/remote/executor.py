"""Runs actions on an Execution service of the Remote Execution API v2.

A failure of the service is not an error of the build: the action then runs here.
"""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from ostoo_build.actions.action import PROOF
from ostoo_build.actions.outcome import ChangedError, Finished
from ostoo_build.actions.record import Output
from ostoo_build.base import digest
from ostoo_build.base.once import Once
from ostoo_build.base.paths import PathMap
from ostoo_build.reapi import merkle, package_digest
from ostoo_build.reapi import remote_execution_pb2 as api
from ostoo_build.reapi.layout import PLACES
from ostoo_build.remote import results
from ostoo_build.remote.circuit_breaker import RefusedError, UnavailableError
from ostoo_build.remote.operations import QUEUED, Operations, StuckError
from ostoo_build.remote.store import Blob
from ostoo_build.rust import build_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ostoo_build.actions.action import Action
    from ostoo_build.base.console import Console
    from ostoo_build.base.input import Input
    from ostoo_build.remote.store import RemoteStore

_OK = 0

_Left: TypeAlias = "tuple[str, Output | None]"
"""A file at a portable path, or None for an empty folder."""


class RemoteResult(Struct, frozen=True):
    """The result of a remote action: the process' result, and its output files by name within the action's folder."""

    done: Finished
    outputs: dict[str, Output]


@dataclass
class RemoteExecutor:
    """Runs actions on one service, at most `jobs` at the same time.

    `store` contains inputs and outputs; it may be another server. `toolchain` returns the toolchain's files with their
    local paths.
    """

    service: RemoteStore
    store: RemoteStore
    paths: PathMap
    console: Console
    jobs: int
    toolchain: Callable[[], list[tuple[Input, Path]]]
    _slots: threading.Semaphore = field(init=False)
    _operations: Operations = field(init=False)
    _toolchain_sent: Once[bool] = field(init=False)

    def __post_init__(self) -> None:
        self._slots = threading.Semaphore(self.jobs)
        self._operations = Operations(self.service)
        self._toolchain_sent = Once(self._send_toolchain)

    @property
    def is_off(self) -> bool:
        """Whether the service is disabled for the rest of this invocation."""
        return self._operations.is_stuck or self.service.circuit.is_off or self.store.circuit.is_off

    def execute(self, action: Action, folder: str) -> RemoteResult | None:
        """Run an action with outputs in the portable path `folder`. Returns None if the service could not run it."""
        with self._slots:
            try:
                self._send(action)
                response = self._response(action)
                return self._understood(response.result, action, folder) if response else None
            except RefusedError as error:
                self._refused(str(error))
            except StuckError:
                self.console.warn_once(
                    f"the remote executor {self.service.options.address} is disabled, and the build continues here: "
                    f"it started no action in {QUEUED:.0f} s"
                )
            except ValueError as error:
                self._refused(f"its answer can't be understood ({error})")
            except (UnavailableError, ChangedError, OSError):
                pass
            return None

    def _send(self, action: Action) -> None:
        """Upload an action and its inputs, except what the service already has."""
        self._toolchain_sent.get()
        encoded = action.encoded
        messages = [Blob(name, len(content), content=content) for name, content in encoded.blobs.items()]
        self.store.upload([*messages, *(blob for entry in action.inputs for blob in self._files(entry))])

    def _send_toolchain(self) -> bool:
        files = self.toolchain()
        messages = merkle.tree(entry for entry, _ in files).directories
        self.store.upload(
            [
                *(Blob(name, len(content), content=content) for name, content in messages.items()),
                *(Blob(entry.sha256, entry.size, path) for entry, path in files),
            ]
        )
        return True

    def _files(self, entry: Input) -> Iterator[Blob]:
        path = Path(self.paths.root, self.paths.expand(entry.path))
        if not entry.is_folder:
            yield Blob(entry.sha256, entry.size, path)
            return
        files = package_digest.inputs_of(path)
        for name, content in merkle.tree(files).directories.items():
            yield Blob(name, len(content), content=content)
        for file in files:
            yield Blob(file.sha256, file.size, path / file.path)

    def _response(self, action: Action) -> api.ExecuteResponse | None:
        """Wait for the response. Returns None if the service could not run the action."""
        encoded = action.encoded
        request = api.ExecuteRequest(
            instance_name=self.service.options.instance,
            action_digest=api.Digest(hash=encoded.sha256, size_bytes=encoded.size),
        )
        operation = self._operations.follow(request)
        is_one = operation.response.TypeName() == api.ExecuteResponse.DESCRIPTOR.full_name
        if operation.HasField("error") or not is_one:
            self._refused(operation.error.message)
            return None
        response = results.parsed(api.ExecuteResponse, operation.response.value)
        if response.status.code != _OK:
            self._refused(response.status.message or response.message)
            return None
        return response

    def _refused(self, why: str) -> None:
        self.console.warn_once(f"the remote executor {self.service.options.address} could not run an action: {why}")

    def _understood(self, result: api.ActionResult, action: Action, folder: str) -> RemoteResult | None:
        with TemporaryDirectory() as scratch:
            reader = _Reader(self.store, Path(scratch))
            left = list(_below(folder, self._left(result, reader)))
            outputs = {name: output for name, output in left if output is not None}
            stdout = build_script.decoded(_words(result.stdout_raw, result.stdout_digest, reader))
            stderr = _words(result.stderr_raw, result.stderr_digest, reader).decode("utf-8", "replace")
            root, line_end, said = stdout.partition("\n")
            if not (line_end and root.startswith("/")):
                raise ValueError("it does not say where the action ran")
            is_judged = action.mnemonic in ("Link", "BuildScriptRun")
            wanted = (pair for pair in outputs.items() if is_judged or pair[0].endswith((PROOF, ".rlink")))
            small = {name: reader.read(output) for name, output in wanted}
        places = ((name, Path(root, place)) for name, place in PLACES.items())
        done = Finished(
            returncode=result.exit_code,
            stdout=said,
            stderr=stderr,
            files=tuple(outputs),
            read=partial(_read, small),
            paths=PathMap((("root", Path(root)), *places), sysroots=self.paths.sysroots),
            is_hermetic=True,
            folders=tuple(name for name, output in left if output is None),
        )
        return RemoteResult(done, outputs)

    def _left(self, result: api.ActionResult, reader: _Reader) -> Iterator[_Left]:
        """Return all outputs. Raises `ValueError` for a link: on this machine it would lead elsewhere."""
        if result.output_symlinks:
            raise ValueError(f"{result.output_symlinks[0].path} is a link")
        for file in result.output_files:
            yield file.path, results.output(file)
        for each in result.output_directories:
            tree = results.parsed(api.Tree, reader.read(_content(each.tree_digest)))
            known = {digest.of_bytes(child.SerializeToString(deterministic=True)): child for child in tree.children}
            yield from _walk(tree.root, each.path, known)


class _Reader:
    """Reads small files from a store into memory."""

    def __init__(self, store: RemoteStore, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch

    def read(self, output: Output) -> bytes:
        """Return a file's contents. Raises `UnavailableError` if the store does not have it."""
        path = self._scratch / output.sha256
        if self._store.read([Blob(output.sha256, output.size, path)]):
            raise UnavailableError
        return path.read_bytes()


def _words(raw: bytes, elsewhere: api.Digest, reader: _Reader) -> bytes:
    if not raw and elsewhere.size_bytes:
        return reader.read(_content(elsewhere))
    return raw


def _content(said: api.Digest) -> Output:
    return Output(*results.checked(said), executable=False)


def _read(files: Mapping[str, bytes], name: str) -> bytes:
    """Return a file's contents. Raises `OSError` if the action did not create it."""
    if name not in files:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    return files[name]


def _walk(folder: api.Directory, path: str, known: Mapping[str, api.Directory]) -> Iterator[_Left]:
    if folder.symlinks:
        raise ValueError(f"{path}/{folder.symlinks[0].name} is a link")
    for file in folder.files:
        yield f"{path}/{file.name}", results.output(file)
    for child in folder.directories:
        below = f"{path}/{child.name}"
        if child.digest.hash not in known:
            raise ValueError(f"{below} is not in its tree")
        found = known[child.digest.hash]
        if not (found.files or found.directories or found.symlinks):
            yield below, None
        yield from _walk(found, below, known)


def _below(folder: str, left: Iterator[_Left]) -> Iterator[_Left]:
    for path, output in left:
        name = path.removeprefix(f"{folder}/")
        if name != path and not {"", ".", ".."} & set(name.split("/")):
            yield name, output
