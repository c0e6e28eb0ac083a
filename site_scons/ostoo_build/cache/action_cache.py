"""The action cache: results by action and files by content, on this disk and on the team's server.

What is missing on this disk is looked up on the server. If the folder can't be written, one warning is shown, and its
existing entries are still used.
"""

from __future__ import annotations

import contextlib
import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions.outcome import ChangedError
from ostoo_build.actions.record import Record, holds
from ostoo_build.base import activity, digest, state_file
from ostoo_build.base.activity import Activity
from ostoo_build.cache import upkeep as cache_upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ostoo_build.actions.action import Action
    from ostoo_build.actions.record import Output
    from ostoo_build.base.console import Console
    from ostoo_build.cache.disk_cache import DiskCache
    from ostoo_build.remote.store import Blob, RemoteStore


class OutputLocation(Struct, frozen=True):
    """The location of an action's outputs: a portable path for results, and the folder itself.

    `promised` are names of outputs that each result has in addition to the files that the action names.
    """

    path: str
    folder: Path
    promised: tuple[str, ...] = ()


@dataclass
class ActionCache:
    """Stores and finds results. A result that contains a checkout's path is stored for that checkout only.

    `root` is the digest of the checkout's path. `disk` is None with `cache=off`, `remote` is None without a server.
    Results are stored in the background; see `flush`.
    """

    disk: DiskCache | None
    root: digest.Hash
    console: Console
    remote: RemoteStore | None = None
    fetched: set[digest.Hash] = field(default_factory=set)
    """Keys of the results that this invocation found on the server."""
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    _uploader: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=2))
    _pending: list[Future[None]] = field(default_factory=list)
    _is_written: bool = True
    """Whether results are stored in the folder; false after the first failed write."""

    def lookup(self, action: Action, place: OutputLocation) -> Record | None:
        """Find the record of an action; return None if there is no trustworthy one."""
        if self.disk is not None:
            for key, bound_to in ((action.key, ""), (self._own_key(action.key), self.root)):
                content = self.disk.result(key)
                found = _understood(content, action, place, bound_to) if content is not None else None
                if found is not None:
                    return found
        return self._lookup_remotely(action, place)

    def learned(self, question: Action) -> Iterator[str]:
        """Yield what runs told that could not be known before them, the latest first; first that of this disk."""
        own = self._learned_here(question)
        yield from own
        content = self.remote.result(question.key, question.encoded.size) if self.remote is not None else None
        yield from (told for told in _told(content, question) if told not in own)

    def learn(self, question: Action, told: str) -> None:
        """Add what a run told, so that others can find its result."""
        if self.disk is not None:
            self._later(self._writer, lambda: self._learn_here(question, told))
        if self.remote is not None:
            self._later(self._uploader, lambda: self._learn_there(question, told))

    def fetch(self, wanted: Iterable[tuple[Path, Output]]) -> list[Path]:
        """Put missing files in place; return the paths of those that are not available."""
        files = list(wanted)
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda file: self._fetch(*file), files)
            missing = [file for file, is_there in zip(files, found, strict=True) if not is_there]
        return self._fetch_remotely(missing)

    def has(self, wanted: Iterable[tuple[Path, Output]]) -> bool:
        """Whether `fetch` would find all these files, as far as can be told without reading them."""
        away = [output for path, output in wanted if not _is_there(path, output)]
        left = [output for output in away if self.disk is None or not self.disk.has(output.sha256)]
        if self.remote is None or not left:
            return not left
        from ostoo_build.remote.circuit_breaker import UnavailableError  # noqa: PLC0415 - most builds have no remote store
        from ostoo_build.remote.store import Blob  # noqa: PLC0415 - likewise

        try:
            return not self.remote.missing([Blob(output.sha256, output.size) for output in left])
        except UnavailableError:
            return False

    def forget(self, action: Action) -> None:
        """Remove a result whose files are gone."""
        if self.disk is not None:
            self.disk.forget(action.key)
            self.disk.forget(self._own_key(action.key))

    def store(self, action: Action, record: Record, place: OutputLocation) -> None:
        """Store a result, its files first: a stored result never names a missing file."""
        if self.disk is not None:
            self._later(self._writer, lambda: self._store(action, record, place))
        if self.remote is not None and not record.bound_to:
            self._later(self._uploader, lambda: self._upload(action, record, place))

    def adopt(self, action: Action, record: Record, place: OutputLocation) -> None:
        """Store a result whose files the server has already."""
        from ostoo_build.remote import results  # noqa: PLC0415 - most builds have no remote store

        content = results.from_record(record, place.path)
        self._keep_here(lambda disk: disk.keep_result(action.key, content))
        if (remote := self.remote) is not None:
            blobs = _messages(results.messages_of(record))
            self._later(self._uploader, lambda: remote.keep(action.key, action.encoded.size, content, blobs))

    def flush(self) -> None:
        """Wait until all results are stored."""
        for future in self._pending:
            future.result()
        if self._pending and self.disk is not None:
            with contextlib.suppress(OSError):  # its size is checked again
                cache_upkeep.collect_if_due(self.disk.folder, self.disk.limit)
        self._pending.clear()

    def close(self) -> None:
        """Wait until all results are stored, and close the connection to the server."""
        self.flush()
        if self.remote is not None:
            self.remote.close()

    def _later(self, pool: ThreadPoolExecutor, work: Callable[[], None]) -> None:
        self._pending.append(pool.submit(work))

    def _learned_here(self, question: Action) -> list[str]:
        return _told(self.disk.result(question.key), question) if self.disk is not None else []

    def _learn_here(self, question: Action, told: str) -> None:
        content = _telling(question, told, self._learned_here(question))
        self._try(lambda disk: disk.keep_result(question.key, content))

    def _learn_there(self, question: Action, told: str) -> None:
        if self.remote is None or not self.remote.takes_results:
            return
        known = _told(self.remote.result(question.key, question.encoded.size), question)
        if told not in known[:1]:
            content, blobs = _telling(question, told, known), _messages(question.encoded.own_blobs)
            self.remote.keep(question.key, question.encoded.size, content, blobs)

    def _lookup_remotely(self, action: Action, place: OutputLocation) -> Record | None:
        content = self.remote.result(action.key, action.encoded.size) if self.remote is not None else None
        found = _understood(content, action, place, "") if content is not None else None
        if found is not None:
            self.fetched.add(action.key)
            self._keep_here(lambda disk: disk.keep_result(action.key, content or b""))
        return found

    def _fetch(self, path: Path, output: Output) -> bool:
        """Raises `OSError` if the file can't be written, although the cache may have it."""
        if _is_there(path, output):
            return True
        temporary = Path(state_file.beside(path))
        if self.disk is None or not self.disk.read(output.sha256, temporary):
            return False
        _put(temporary, path, output)
        return True

    def _fetch_remotely(self, files: list[tuple[Path, Output]]) -> list[Path]:
        if self.remote is None or not files:
            return [path for path, _ in files]
        from ostoo_build.remote.store import Blob  # noqa: PLC0415 - most builds have no remote store

        placed = [(Path(state_file.beside(path)), path, output) for path, output in files]
        blobs = [(Blob(output.sha256, output.size, temporary), path, output) for temporary, path, output in placed]
        fetched = activity.of_files([temporary for temporary, _, _ in placed])
        expected = sum(output.size for _, output in files)
        with activity.during(Activity("Fetching", f"{len(files)} files from the remote cache", fetched, expected)):
            lost = set(self.remote.read([blob for blob, _, _ in blobs]))
        for blob, path, output in blobs:
            if blob not in lost and blob.path is not None:
                _put(blob.path, path, output)
        self._keep_here(lambda disk: _keep_all(disk, [file for file in files if file[0].exists()]))
        return [path for blob, path, _ in blobs if blob in lost]

    def _store(self, action: Action, record: Record, place: OutputLocation) -> None:
        from ostoo_build.remote import results  # noqa: PLC0415 - a start without work keeps nothing

        key = self._own_key(action.key) if record.bound_to else action.key
        content = results.from_record(record, place.path)

        def keep(disk: DiskCache) -> None:
            for name, output in record.outputs.items():
                disk.keep(place.folder / name, output.sha256)
            disk.keep_result(key, content)

        self._try(keep)

    def _upload(self, action: Action, record: Record, place: OutputLocation) -> None:
        from ostoo_build.remote import results  # noqa: PLC0415 - a start without work keeps nothing
        from ostoo_build.remote.store import Blob  # noqa: PLC0415 - most builds have no remote store

        encoded = action.encoded
        messages = _messages({**encoded.own_blobs, **results.messages_of(record)})
        files = [Blob(output.sha256, output.size, place.folder / name) for name, output in record.outputs.items()]
        content = results.from_record(record, place.path)
        try:
            if self.remote is not None:
                self.remote.keep(action.key, encoded.size, content, [*messages, *files])
        except (ChangedError, OSError):
            return

    def _keep_here(self, keep: Callable[[DiskCache], None]) -> None:
        """Store what came from the server on this disk too, in the background."""
        if self.disk is not None:
            self._later(self._writer, lambda: self._try(keep))

    def _try(self, keep: Callable[[DiskCache], None]) -> None:
        disk = self.disk
        if disk is None or not self._is_written:
            return
        try:
            keep(disk)
        except ChangedError:
            return
        except OSError as error:
            self._is_written = False
            where = error.filename or disk.folder
            self.console.warn_once(f"the action cache can't store new results: {error.strerror} ({where})")

    def _own_key(self, key: digest.Hash) -> digest.Hash:
        return digest.of_json([key, self.root])


_MOST = 16
"""How many lists are kept of what runs of one action told: each edit that changes which files are read adds one."""

_LARGEST = 256 << 10
"""Their maximum size in bytes: servers move a longer text out of a result."""


def _telling(question: Action, told: str, known: list[str]) -> bytes:
    """Serialize what runs told as a result without files, the latest first."""
    from ostoo_build.remote import results  # noqa: PLC0415 - a start without work keeps nothing

    lists: list[str] = []
    for each in (told, *(each for each in known if each != told)):
        if len(lists) == _MOST or len(json.dumps([*lists, each])) > _LARGEST:
            break
        lists.append(each)
    return results.from_record(Record(question.key, {}, stdout=json.dumps(lists)), "")


def _told(content: bytes | None, question: Action) -> list[str]:
    """Parse the output of `_telling`; return nothing for anything else."""
    from ostoo_build.remote import results  # noqa: PLC0415 - a start without work looks nothing up

    try:
        lists = json.loads(results.to_record(content, question.key, "").stdout) if content is not None else []
    except (ValueError, RecursionError):
        return []
    return [each for each in lists if isinstance(each, str)][:_MOST] if isinstance(lists, list) else []


def _messages(contents: Mapping[digest.Hash, bytes]) -> list[Blob]:
    from ostoo_build.remote.store import Blob  # noqa: PLC0415 - most builds have no remote store

    return [Blob(name, len(content), content=content) for name, content in contents.items()]


def _is_there(path: Path, output: Output) -> bool:
    try:
        return path.exists() and holds(path, output)
    except OSError:
        return False


def _keep_all(disk: DiskCache, files: list[tuple[Path, Output]]) -> None:
    for path, output in files:
        disk.keep(path, output.sha256)


def _put(temporary: Path, path: Path, output: Output) -> None:
    mode = 0o755 if output.executable else 0o644
    state_file.put(str(temporary), path, lambda name: os.chmod(name, mode))  # noqa: PTH101 - a string


def _understood(content: bytes, action: Action, place: OutputLocation, bound_to: str) -> Record | None:
    """Parse a result; return None if this action can't have produced it, whoever stored it."""
    from ostoo_build.remote import results  # noqa: PLC0415 - a start without work looks nothing up

    try:
        found = results.to_record(content, action.key, place.path)
    except ValueError:
        return None
    made = {f"{place.path}/{name}" for name in (*found.outputs, *found.folders)}
    if not (action.may_make(made) and found.outputs.keys() >= set(place.promised)):
        return None
    return replace(found, bound_to=bound_to)
