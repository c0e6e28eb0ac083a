"""The action cache: results by action, files by content, on this disk and in the team's store. Does not run anything.

Where the folder can't be used it switches itself off with one warning.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ostoo_build import digest
from ostoo_build.execution import cache_upkeep
from ostoo_build.execution.disk_cache import ChangedError
from ostoo_build.execution.record import observe

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ostoo_build.execution.action import Action
    from ostoo_build.execution.disk_cache import DiskCache
    from ostoo_build.execution.record import Output, Record
    from ostoo_build.report import Report


@dataclass(frozen=True)
class Place:
    """Where an action's outputs lie: a portable path for results, and the folder itself."""

    path: str
    folder: Path


@dataclass
class ActionCache:
    """Results that hold the path of a checkout are kept for that checkout alone; `root` is that path's digest.

    `disk` is None where the user wants no cache. Results are kept behind the build; see `flush`.
    """

    disk: DiskCache | None
    root: digest.Hash
    report: Report
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    _pending: list[Future[None]] = field(default_factory=list)

    def lookup(self, action: Action, place: Place) -> Record | None:
        """Find the record of an action; None where there is none that can be trusted."""
        if self.disk is None:
            return None
        for key, bound_to in ((action.key, ""), (self._own_key(action.key), self.root)):
            content = self.disk.result(key)
            if content is not None:
                return _understood(content, action.key, place.path, bound_to)
        return None

    def fetch(self, wanted: Iterable[tuple[Path, Output]]) -> list[Path]:
        """Put files in place that are not there already; the paths of those that can't be had."""
        files = list(wanted)
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda file: self._fetch(*file), files)
            return [path for (path, _), is_there in zip(files, found, strict=True) if not is_there]

    def _fetch(self, path: Path, output: Output) -> bool:
        try:
            if path.exists() and observe(path) == output:
                return True
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
            if self.disk is None or not self.disk.read(output.sha256, temporary):
                return False
            temporary.chmod(0o755 if output.executable else 0o644)
            temporary.replace(path)
        except OSError:
            return False
        return True

    def forget(self, action: Action) -> None:
        """Take a result away whose files are gone."""
        if self.disk is not None:
            self.disk.forget(action.key)
            self.disk.forget(self._own_key(action.key))

    def store(self, action: Action, record: Record, place: Place) -> None:
        """Keep a result, files first: a result never names what is not there."""
        if self.disk is not None:
            self._pending.append(self._writer.submit(self._store, action, record, place))

    def flush(self) -> None:
        """Wait until all results are kept."""
        for future in self._pending:
            future.result()
        if self._pending and self.disk is not None:
            cache_upkeep.collect_if_due(self.disk.folder, self.disk.limit)
        self._pending.clear()

    def _store(self, action: Action, record: Record, place: Place) -> None:
        disk = self.disk
        if disk is None:
            return
        from ostoo_build.execution import results  # noqa: PLC0415 - a start without work keeps nothing

        try:
            for name, output in record.outputs.items():
                disk.keep(place.folder / name, output.sha256)
            key = self._own_key(action.key) if record.bound_to else action.key
            disk.keep_result(key, results.from_record(record, place.path))
        except ChangedError:
            return
        except OSError as error:
            self.disk = None
            self.report.warn_once(f"the action cache is off: {error.strerror} ({error.filename or disk.folder})")

    def _own_key(self, key: digest.Hash) -> digest.Hash:
        return digest.of_json([key, self.root])


def _understood(content: bytes, key: digest.Hash, folder: str, bound_to: str) -> Record | None:
    from ostoo_build.execution import results  # noqa: PLC0415 - a start without work looks nothing up

    try:
        found = results.to_record(content, key, folder)
    except ValueError:
        return None
    return replace(found, bound_to=bound_to)
