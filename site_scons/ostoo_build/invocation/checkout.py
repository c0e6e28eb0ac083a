"""One checkout: its folder, its state, and the lock that keeps other builds out."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ostoo_build.base import layout, state_file
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.console import Console

_PREPARES = b" prepares"
"""Behind the process in the file that names the lock's owner."""


class Checkout:
    """The folder that an invocation builds; `began` is the invocation's start time as in `time.time_ns`."""

    def __init__(self, root: Path, console: Console) -> None:
        self.root = root
        self.console = console
        self.memos = root / layout.STATE
        self.lock_owner = root / layout.LOCK_OWNER
        self.began = time.time_ns()
        self._lock = FileLock(root / layout.LOCK)
        self._has_told = False

    def make_memos(self) -> None:
        """Create the folder of the build's state. Raises `OstooError` as `check_places` does."""
        self.check_places()
        for folder in self._made:
            folder.mkdir(exist_ok=True)

    def check_places(self) -> None:
        """Raise `OstooError` if the checkout's path is not usable, or something else is in place of a folder."""
        try:
            str(self.root).encode()
        except UnicodeEncodeError as error:
            name = os.fsencode(self.root)
            raise OstooError(f"the checkout's path is not UTF-8: {name!r}", remedy="rename the folder") from error
        if "\n" in str(self.root):
            raise OstooError(
                "the checkout's path contains a line break", where=repr(str(self.root)), remedy="rename the folder"
            )
        for folder in self._made:
            if os.path.lexists(folder) and not folder.is_dir():
                raise OstooError("not a folder", where=str(folder), remedy="remove it: builds create it again")

    @property
    def _made(self) -> tuple[Path, Path]:
        return self.memos.parent, self.memos

    def lock(self, *, prepares: bool = False) -> bool:
        """Lock the checkout until `close`; wait for another build, and name its process.

        Returns whether another build had the lock since this process last held it. One that `prepares` the next build
        for a server is named so to others.
        """
        self.make_memos()
        state_file.make_way(self.root / layout.LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self.console.status("Blocking", self._reason())
            self._lock.acquire()
        own = str(os.getpid()).encode()
        was_elsewhere = (state_file.recall(self.lock_owner) or b"").removesuffix(_PREPARES) != own
        state_file.write(self.lock_owner, own + (_PREPARES if prepares else b""))
        return was_elsewhere

    def _reason(self) -> str:
        """Say who has the lock."""
        found = state_file.recall(self.lock_owner) or b""
        process = found.removesuffix(_PREPARES).decode(errors="replace")
        if found.endswith(_PREPARES):
            return f"waiting for the build server, whose process {process} prepares the next build in this checkout"
        return f"waiting for the build in this checkout by {f'process {process}' if process else 'another process'}"

    def unlock(self) -> None:
        """Release the lock."""
        self._lock.release()

    def close(self) -> None:
        """Report damaged state files, and release the lock."""
        self.tell_damaged()
        self.unlock()

    def tell_damaged(self) -> None:
        """Report damaged state files once. What is found after that is recreated as well, as all of it is."""
        if state_file.damaged and not self._has_told:
            first, *more = state_file.damaged
            others = f" and {len(more)} more" if more else ""
            self.console.warn_once(f"the state in {first}{others} was damaged and is recreated")
            state_file.damaged.clear()
            self._has_told = True
