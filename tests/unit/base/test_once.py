from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ostoo_build.base.once import Once


def test_threads_that_ask_at_once_get_one_value() -> None:
    begin, made = threading.Barrier(32), []

    def make() -> object:
        made.append(threading.get_ident())
        threading.Event().wait(0.01)  # others are let in where nothing keeps them out
        return object()

    once = Once(make)

    def ask(_: int) -> object:
        begin.wait()
        return once.get()

    with ThreadPoolExecutor(32) as pool:
        values = set(pool.map(ask, range(32)))
    assert len(values) == len(made) == 1


def test_none_is_a_value() -> None:
    made: list[int] = []
    once = Once(lambda: made.append(1))
    assert (once.get(), once.get(), made) == (None, None, [1])


def test_what_failed_is_tried_again() -> None:
    answers = iter([0, 7])

    def make() -> int:
        return 49 // next(answers)

    once = Once(make)
    with pytest.raises(ZeroDivisionError):
        once.get()
    assert once.get() == 7
