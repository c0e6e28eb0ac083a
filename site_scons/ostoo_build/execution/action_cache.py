"""The action cache on disk: records by action key, files by content. Does not know where keys come from.

Any number of processes may use one folder at once: entries are written under another name and renamed, and each read is
checked by sha256. A bad entry is a miss. Where the folder can't be used the cache switches itself off with one warning.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import zstandard

from ostoo_build import digest
from ostoo_build.execution.record import Output, Record, observe
from ostoo_build.source_tree import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.report import Report

_LEVEL = 1


@dataclass
class ActionCache:
    """One folder: `ac/` holds records, `cas/` zstd-compressed files. Files are stored behind the build; see `flush`."""

    folder: Path
    report: Report
    enabled: bool = True
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    _pending: list[Future[None]] = field(default_factory=list)

    def lookup(self, key: digest.Hash) -> Record | None:
        """Find the record of an action; None where there is none that can be trusted."""
        if not self.enabled:
            return None
        try:
            checksum, _, body = self._record_path(key).read_bytes().partition(b"\n")
            record = Record.from_bytes(body)
        except (OSError, ValueError):
            return None
        return record if record.key == key and checksum.decode("ascii", "replace") == digest.of_bytes(body) else None

    def restore(self, record: Record, folder: Path) -> bool:
        """Put the outputs of a record into a folder; False where one is missing or damaged."""
        return all(self._fetch(output, folder / name) for name, output in record.outputs.items())

    def store(self, record: Record, folder: Path) -> None:
        """Keep a result, files first: a record never names what is not there."""
        if self.enabled:
            self._pending.append(self._writer.submit(self._store, record, folder))

    def flush(self) -> None:
        """Wait until all results are kept."""
        for future in self._pending:
            future.result()
        self._pending.clear()

    def _store(self, record: Record, folder: Path) -> None:
        if not self.enabled:
            return
        try:
            for name, output in record.outputs.items():
                self._add(output, folder / name)
            body = record.to_bytes()
            write_atomically(self._record_path(record.key), digest.of_bytes(body).encode() + b"\n" + body)
        except _ChangedError:
            return
        except OSError as error:
            self.enabled = False
            self.report.warn_once(f"the action cache is off: {error.strerror} ({error.filename or self.folder})")

    def _add(self, output: Output, path: Path) -> None:
        blob = self._blob_path(output.sha256)
        if blob.exists():
            return
        data = path.read_bytes()
        if digest.of_bytes(data) != output.sha256:
            raise _ChangedError
        write_atomically(blob, zstandard.ZstdCompressor(level=_LEVEL).compress(data))

    def _fetch(self, output: Output, path: Path) -> bool:
        """Restore one file; it is already there where a former build left it."""
        try:
            if path.exists() and observe(path) == output:
                return True
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            intact = self._decompressed(output.sha256, temporary)
            temporary.chmod(0o755 if output.executable else 0o644)
            if intact:
                temporary.replace(path)
            else:
                temporary.unlink()
                self._blob_path(output.sha256).unlink(missing_ok=True)
        except OSError:
            return False
        return intact

    def _decompressed(self, sha256: digest.Hash, target: Path) -> bool:
        try:
            return _decompress(self._blob_path(sha256), target) == sha256
        except zstandard.ZstdError:
            return False

    def _record_path(self, key: digest.Hash) -> Path:
        return self.folder / "ac" / key[:2] / key

    def _blob_path(self, sha256: digest.Hash) -> Path:
        return self.folder / "cas" / sha256[:2] / sha256


class _ChangedError(Exception):
    """An output was replaced before it could be stored; its record must not be."""


def _decompress(source: Path, target: Path) -> digest.Hash:
    hasher = hashlib.sha256()
    with source.open("rb") as compressed, target.open("wb") as stream:
        for chunk in zstandard.ZstdDecompressor().read_to_iter(compressed, write_size=1 << 20):
            hasher.update(chunk)
            stream.write(chunk)
    return hasher.hexdigest()
