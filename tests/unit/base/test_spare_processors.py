from __future__ import annotations

import contextlib
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostoo_build.base import process, spare_processors
from ostoo_build.execution.jobserver import Jobserver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 30


@given(st.integers(1, 5), st.integers(0, 30), st.integers(0, 4))
def test_each_step_is_taken_once(jobs: int, steps: int, taken: int) -> None:
    jobserver, done = Jobserver(jobs), list[int]()
    with contextlib.ExitStack() as others:
        for _ in range(taken):
            others.enter_context(jobserver.spare())
        spare_processors.perform(jobserver, [partial(done.append, number) for number in range(steps)])
    assert sorted(done) == list(range(steps))
    assert jobserver.busy == 0


def test_steps_are_taken_at_once_where_processors_are_free() -> None:
    both = threading.Barrier(2)
    spare_processors.perform(Jobserver(2), [lambda: both.wait(PATIENCE), lambda: both.wait(PATIENCE)])
    assert not both.broken


def test_steps_are_taken_one_by_one_where_none_is_free() -> None:
    jobserver, running, most = Jobserver(2), set[int](), list[int]()

    def step() -> None:
        running.add(threading.get_ident())
        most.append(len(running))
        running.clear()

    with jobserver.token(), jobserver.token():
        spare_processors.perform(jobserver, [step] * 20)
    assert most == [1] * 20


@pytest.mark.parametrize("failing", [0, 1, 7])
def test_after_a_failure_no_step_begins(failing: int) -> None:
    done = list[int]()

    def step(number: int) -> Callable[[], None]:
        def take() -> None:
            if number == failing:
                raise ZeroDivisionError
            done.append(number)

        return take

    jobserver = Jobserver(1)
    with pytest.raises(ZeroDivisionError):
        spare_processors.perform(jobserver, map(step, range(9)))
    assert done == list(range(failing))
    assert jobserver.busy == 0


def test_a_failure_beside_is_told_too() -> None:
    waits, caller = threading.Event(), threading.get_ident()

    def step() -> None:
        if threading.get_ident() != caller:
            waits.set()
            raise ZeroDivisionError
        assert waits.wait(PATIENCE)

    with pytest.raises(ZeroDivisionError):
        spare_processors.perform(Jobserver(2), [step, step])


def test_processes_beside_end_with_those_of_the_caller(tmp_path: Path) -> None:
    batch, running = process.Batch(), threading.Barrier(3)

    def step() -> None:
        def on_line(_line: bytes) -> None:
            running.wait(PATIENCE)

        said = "import sys, time; print(file=sys.stderr, flush=True); time.sleep(600)"
        process.run_streaming([sys.executable, "-c", said], on_line, cwd=tmp_path, env={}, pass_fds=())

    def stop() -> None:
        running.wait(PATIENCE)
        batch.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    with batch, pytest.raises(process.StoppedError):
        spare_processors.perform(Jobserver(2), [step, step])
    stopping.join()
