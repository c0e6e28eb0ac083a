"""Each test lets threads come to the point where they wait, without a clock: it asks the lock who waits for it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ostoo_build.execution.folder_locks import FolderLocks

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

A, B = Path("a"), Path("b")
LONG = 60.0
"""Seconds after which a thread that never comes has failed its test."""


class Run:
    """A thread, and whether it came to its end."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.over = threading.Event()

        def go() -> None:
            work()
            self.over.set()

        threading.Thread(target=go, daemon=True).start()


def wait_until_somebody_waits(locks: FolderLocks) -> None:
    """`Condition` keeps a list of who waits."""
    changed = locks._changed  # noqa: SLF001 - else only a clock could tell
    while not changed._waiters:  # type: ignore[attr-defined]  # noqa: SLF001 - likewise
        threading.Event().wait(0.001)


def remake(locks: FolderLocks, folder: Path) -> None:
    with locks.remaking(folder):
        pass


def read(locks: FolderLocks, *folders: Path) -> None:
    with locks.reading(set(folders)):
        pass


def test_many_may_read_at_once() -> None:
    locks = FolderLocks()
    with locks.reading({A, B}), locks.reading({A}):
        assert Run(lambda: read(locks, A, B)).over.wait(LONG)


def test_who_makes_files_anew_waits_for_all_readers() -> None:
    locks = FolderLocks()
    with locks.reading({A}):
        with locks.reading({A, B}):
            writer = Run(lambda: remake(locks, A))
            wait_until_somebody_waits(locks)
        wait_until_somebody_waits(locks)
        assert not writer.over.is_set()
    assert writer.over.wait(LONG)


def test_a_reader_waits_while_one_of_its_folders_is_made_anew() -> None:
    locks = FolderLocks()
    with locks.remaking(A):
        reader = Run(lambda: read(locks, A, B))
        wait_until_somebody_waits(locks)
        assert not reader.over.is_set()
        assert Run(lambda: read(locks, B)).over.wait(LONG), "nobody makes that one anew"
    assert reader.over.wait(LONG)


def test_a_folder_is_made_anew_by_one_at_a_time() -> None:
    locks = FolderLocks()
    with locks.remaking(A):
        other = Run(lambda: remake(locks, A))
        wait_until_somebody_waits(locks)
        assert not other.over.is_set()
        assert Run(lambda: remake(locks, B)).over.wait(LONG)
    assert other.over.wait(LONG)


def test_a_reader_that_fails_keeps_nobody_out() -> None:
    locks = FolderLocks()
    ways: list[Callable[[], AbstractContextManager[None]]] = [lambda: locks.reading({A}), lambda: locks.remaking(A)]
    for take in ways:
        with pytest.raises(ZeroDivisionError), take():
            1 // 0  # noqa: B018 - it fails
        assert Run(lambda: remake(locks, A)).over.wait(LONG)
        assert Run(lambda: read(locks, A)).over.wait(LONG)
