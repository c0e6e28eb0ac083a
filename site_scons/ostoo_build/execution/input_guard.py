"""Detects inputs that changed after they were hashed.

The result of an action during which an input changed must not be stored under the input's old digest.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.actions import record as records
from ostoo_build.base import digest, source_files, stamps
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import changed
from ostoo_build.reapi import package_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ostoo_build.actions.record import Output
    from ostoo_build.base.input import Input
    from ostoo_build.base.paths import PathMap
    from ostoo_build.base.stamps import Stamp

InputStamps = dict[str, "list[Stamp]"]
"""Stamps of an input and of the links that lead to it, by portable path; empty for a missing one."""


class InputGuard:
    """Checks inputs against the time at which an invocation began to hash files, in ns as in `time.time_ns`.

    Thread-safe.

    A file's ctime is the time of its last change, which no program can set. A file that did not change since then
    needs no further check. `tools` are the files that the toolchain digest covers.
    """

    def __init__(self, paths: PathMap, since: int, tools: Iterable[Path]) -> None:
        self._paths = paths
        self._since = since - stamps.DRIFT
        self._tools = {tool: stamps.of(tool) for tool in tools}
        self._seen: dict[Path, tuple[Stamp, digest.Hash]] = {}
        self._lock = threading.Lock()

    def observe(self, path: Path) -> Output:
        """Describe a file and remember it. Raises `OSError` if it is not a readable regular file."""
        before = stamps.of(path)
        found = records.observe(path)
        self._remember(path, before, found.sha256)
        return found

    def check(self, inputs: Iterable[Input]) -> None:
        """Raise `OstooError` if a file or folder, or the toolchain, differs from what was hashed."""
        for entry in inputs:
            path = Path(self._paths.root, self._paths.expand(entry.path))
            try:
                same = (self._folder(path) if entry.is_folder else self._file(path)) in (None, entry.sha256)
            except OSError:
                same = False
            if not same:
                raise changed(entry.path)
        self.check_tools()

    def check_tools(self) -> None:
        """Raise `OstooError`, the same object for all threads, if the toolchain changed or is gone."""
        for tool, known in self._tools.items():
            try:
                same = stamps.of(tool) == known
            except OSError:
                same = False
            if not same:
                what = "the toolchain changed, or was removed, during the build"
                raise OstooError(what, remedy="run the build again")

    def stamps(self, inputs: Iterable[Input]) -> InputStamps:
        """Return the stamps of editable inputs before an action reads them.

        Waits until the file system's clock has ticked since the last change, so that the next change alters the stamp.
        """
        found = {entry.path: self._stamps_of(entry.path) for entry in inputs if _may_be_edited(self._paths, entry.path)}
        stamps.wait_for_tick(max((stamps.touched_at(each) for known in found.values() for each in known), default=0))
        return found

    def touched(self, before: InputStamps) -> frozenset[str]:
        """Return the inputs that changed since then, whatever their contents are now."""
        return frozenset(path for path, known in before.items() if self._stamps_of(path) != known)

    def check_untouched(self, inputs: Iterable[Input], moment: int) -> None:
        """Raise `OstooError` if a file that users may edit changed after a moment, in nanoseconds."""
        for entry in inputs:
            path = Path(self._paths.root, self._paths.expand(entry.path))
            is_edited = not entry.path.startswith("@{")
            if is_edited and stamps.touched_at(stamps.of(path)) >= moment - stamps.TICK:
                raise changed(entry.path)

    def _stamps_of(self, name: str) -> list[Stamp]:
        path = Path(self._paths.root, self._paths.expand(name))
        try:
            if not path.is_dir():
                inside = [path]
            else:
                files = source_files.package_files(path)
                inside = sorted({path, *files, *(file.parent for file in files)})
            found = [stamps.of(each) for each in inside]
        except OSError:
            return []
        if os.path.realpath(path) != str(path):
            found += [stamps.of_status(each.lstat()) for each in (path, *path.parents) if each.is_symlink()]
        return found

    def _file(self, path: Path) -> digest.Hash | None:
        """Hash a file; return None if it did not change. A link may lead to another file by now."""
        now = stamps.of(path)
        if self._is_old(now) and os.path.realpath(path) == str(path):
            return None
        with self._lock:
            seen = self._seen.get(path)
        if seen is not None and seen[0] == now:
            return seen[1]
        found = digest.of_file(path)
        self._remember(path, now, found)
        return found

    def _folder(self, path: Path) -> digest.Hash | None:
        """Hash a package; return None if nothing in it changed."""
        files = source_files.package_files(path)
        folders = {path, *(file.parent for file in files)}
        if all(self._is_old(stamps.of(each)) for each in (*files, *folders)):
            return None
        from ostoo_build.reapi import merkle  # noqa: PLC0415 - a start without work hashes nothing

        return merkle.tree(package_digest.inputs_of(path)).root.sha256

    def _is_old(self, found: Stamp) -> bool:
        return stamps.touched_at(found) < self._since

    def _remember(self, path: Path, before: Stamp, sha256: digest.Hash) -> None:
        with self._lock:
            if stamps.of(path) == before:
                self._seen[path] = (before, sha256)


def _may_be_edited(paths: PathMap, path: str) -> bool:
    """Whether a user may edit this path: it is neither an output nor downloaded, judged by its name."""
    return not (path.startswith("@{") or paths.is_made(path))
