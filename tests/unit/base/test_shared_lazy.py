from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ostoo_build.base.console import Report
from ostoo_build.base.shared_lazy import shared_lazy
from ostoo_build.invocation.session import Options, Session

THREADS = 32


class Subject:
    def __init__(self) -> None:
        self.making = threading.RLock()
        self.made: list[str] = []

    @shared_lazy
    def one(self) -> object:
        """Take a while to be made, as a pipe does."""
        time.sleep(0.01)
        self.made.append("one")
        return object()

    @shared_lazy
    def other(self) -> object:
        self.made.append("other")
        return self.one, object()

    @shared_lazy
    def broken(self) -> object:
        self.made.append("broken")
        raise OSError("no pipe")


def all_at_once(subject: object, names: list[str]) -> list[object]:
    barrier = threading.Barrier(THREADS)

    def ask(number: int) -> object:
        barrier.wait()
        return getattr(subject, names[number % len(names)])

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(ask, range(THREADS)))


def test_whatever_threads_ask_each_attribute_is_made_once() -> None:
    subject = Subject()
    found = all_at_once(subject, ["other", "one"])
    assert len(set(map(id, found))) == 2
    assert sorted(subject.made) == ["one", "other"]
    assert subject.one is subject.one


def test_what_could_not_be_made_is_tried_again() -> None:
    subject = Subject()
    for _ in range(2):
        with pytest.raises(OSError, match="no pipe"):
            assert subject.broken
    assert subject.made == ["broken", "broken"]


def test_threads_share_what_a_session_has(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two jobservers would be twice as many compilers at once."""
    for number in range(20):
        options = Options({"sysroot": "zig"}, 4)
        session = Session(tmp_path_factory.mktemp(f"root{number}"), options, Report(colour=False, quiet=True))
        for name in ("jobserver", "compilations", "trees", "answers", "sysroot"):
            assert len(set(map(id, all_at_once(session, [name])))) == 1, name


def test_a_session_has_no_other_kind_of_lazy_attribute() -> None:
    kinds = {type(value).__name__ for value in vars(Session).values()}
    assert "shared_lazy" in kinds
    assert "cached_property" not in kinds
