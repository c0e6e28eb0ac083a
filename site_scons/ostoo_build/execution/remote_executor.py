"""Has actions carried out by an Execution service of the Remote Execution API v2. Does not judge what they left.

Whatever keeps the service from it is no error of the build: the action then runs here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ostoo_build import build_script, digest, merkle, source_tree
from ostoo_build.execution.action import PLACES
from ostoo_build.execution.circuit import OffError, RefusedError
from ostoo_build.execution.disk_cache import ChangedError
from ostoo_build.execution.finishing import Finished
from ostoo_build.execution.operations import QUEUED, Operations, StuckError
from ostoo_build.execution.record import Output
from ostoo_build.execution.remote_store import Blob
from ostoo_build.paths import PathMap
from ostoo_build.protocol import remote_execution_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ostoo_build.execution.action import Action
    from ostoo_build.execution.remote_store import RemoteStore
    from ostoo_build.inputs import Input
    from ostoo_build.report import Report

_OK = 0


@dataclass(frozen=True)
class Remote:
    """What an action left on the other side: the process' account, and its files by their names in its folder."""

    done: Finished
    outputs: dict[str, Output]


@dataclass
class RemoteExecutor:
    """One service, at most `jobs` actions at a time.

    `store` holds what it reads and writes, maybe on another server. `toolchain` lists the toolchain's files with their
    paths here.
    """

    service: RemoteStore
    store: RemoteStore
    paths: PathMap
    report: Report
    jobs: int
    toolchain: Callable[[], list[tuple[Input, Path]]]
    _slots: threading.Semaphore = field(init=False)
    _operations: Operations = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._slots = threading.Semaphore(self.jobs)
        self._operations = Operations(self.service)

    @property
    def is_off(self) -> bool:
        """Whether nothing more is run there in this invocation."""
        return self._operations.is_stuck or self.service.circuit.is_off or self.store.circuit.is_off

    def execute(self, action: Action, folder: str) -> Remote | None:
        """Carry an action out whose outputs belong into the portable `folder`; None where that did not come about."""
        with self._slots:
            try:
                self._send(action)
                response = self._response(action)
                return self._understood(response.result, action, folder) if response else None
            except RefusedError as error:
                self._refused(str(error))
            except StuckError:
                self.report.warn_once(
                    f"the remote executor {self.service.options.address} is off, the build goes on here: "
                    f"it started no action in {QUEUED:.0f} s"
                )
            except (OffError, ChangedError, OSError):
                pass
            return None

    def _send(self, action: Action) -> None:
        """Upload what the service does not have of an action and its inputs."""
        with self._lock:
            self._toolchain_is_sent  # noqa: B018 - once, whoever is first
        encoded = action.encoded
        messages = [Blob(name, len(content), content=content) for name, content in encoded.blobs.items()]
        self.store.upload([*messages, *(blob for entry in action.inputs for blob in self._files(entry))])

    @cached_property
    def _toolchain_is_sent(self) -> bool:
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
        files = source_tree.inputs_of(path)
        for name, content in merkle.tree(files).directories.items():
            yield Blob(name, len(content), content=content)
        for file in files:
            yield Blob(file.sha256, file.size, path / file.path)

    def _response(self, action: Action) -> api.ExecuteResponse | None:
        """Wait for the service; None where it could not run the action."""
        encoded = action.encoded
        request = api.ExecuteRequest(
            instance_name=self.service.options.instance,
            action_digest=api.Digest(hash=encoded.sha256, size_bytes=encoded.size),
        )
        operation = self._operations.follow(request)
        response = api.ExecuteResponse()
        if operation.HasField("error") or not operation.response.Unpack(response):
            self._refused(operation.error.message)
            return None
        if response.status.code != _OK:
            self._refused(response.status.message or response.message)
            return None
        return response

    def _refused(self, why: str) -> None:
        self.report.warn_once(f"the remote executor {self.service.options.address} could not run an action: {why}")

    def _understood(self, result: api.ActionResult, action: Action, folder: str) -> Remote | None:
        with TemporaryDirectory() as scratch:
            reader = _Reader(self.store, Path(scratch))
            outputs = dict(_below(folder, self._output_files(result, reader)))
            stdout = build_script.said(_words(result.stdout_raw, result.stdout_digest, reader))
            stderr = _words(result.stderr_raw, result.stderr_digest, reader).decode("utf-8", "replace")
            root, _, said = stdout.partition("\n")
            is_judged = action.mnemonic == "Link"
            wanted = (pair for pair in outputs.items() if is_judged or pair[0].endswith((".d", ".rlink")))
            small = {name: reader.read(output) for name, output in wanted}
        places = ((name, Path(root, place)) for name, place in PLACES.items())
        done = Finished(
            returncode=result.exit_code,
            stdout=said,
            stderr=stderr,
            files=tuple(outputs),
            read=small.__getitem__,
            paths=PathMap((("root", Path(root)), *places)),
            is_hermetic=True,
        )
        return Remote(done, outputs)

    def _output_files(self, result: api.ActionResult, reader: _Reader) -> Iterator[tuple[str, Output]]:
        for file in result.output_files:
            yield file.path, Output(file.digest.hash, file.digest.size_bytes, file.is_executable)
        for each in result.output_directories:
            content = reader.read(Output(each.tree_digest.hash, each.tree_digest.size_bytes, executable=False))
            tree = api.Tree.FromString(content)
            known = {digest.of_bytes(child.SerializeToString(deterministic=True)): child for child in tree.children}
            yield from _walk(tree.root, each.path, known)


class _Reader:
    """Reads small files of a store into memory."""

    def __init__(self, store: RemoteStore, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch

    def read(self, output: Output) -> bytes:
        """Raise `OffError` where the file can't be had."""
        path = self._scratch / output.sha256
        if self._store.read([Blob(output.sha256, output.size, path)]):
            raise OffError
        return path.read_bytes()


def _words(raw: bytes, elsewhere: api.Digest, reader: _Reader) -> bytes:
    if not raw and elsewhere.size_bytes:
        return reader.read(Output(elsewhere.hash, elsewhere.size_bytes, executable=False))
    return raw


def _walk(folder: api.Directory, path: str, known: dict[str, api.Directory]) -> Iterator[tuple[str, Output]]:
    for file in folder.files:
        yield f"{path}/{file.name}", Output(file.digest.hash, file.digest.size_bytes, file.is_executable)
    for child in folder.directories:
        yield from _walk(known[child.digest.hash], f"{path}/{child.name}", known)


def _below(folder: str, files: Iterator[tuple[str, Output]]) -> Iterator[tuple[str, Output]]:
    for path, output in files:
        name = path.removeprefix(f"{folder}/")
        if name != path and not {"", ".", ".."} & set(name.split("/")):
            yield name, output
