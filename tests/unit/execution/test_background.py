from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ostoo_build.actions.record import Record
from ostoo_build.base.errors import OstooError
from ostoo_build.execution.background import Ahead, Background, Task

if TYPE_CHECKING:
    from collections.abc import Callable

MADE = Record("key", {})


def test_metadata_is_there_before_the_code() -> None:
    code = threading.Event()

    def work(ready: Callable[[], None]) -> Record:
        ready()
        assert code.wait(10)
        return MADE

    compilation = Task(work)
    compilation.wait_for_metadata()
    code.set()
    assert compilation.wait() is MADE


def test_who_waits_for_metadata_goes_on_where_none_is_told_of() -> None:
    Task(lambda _ready: MADE).wait_for_metadata()


def test_a_failure_before_the_metadata_reaches_both() -> None:
    def work(_ready: Callable[[], None]) -> Record:
        raise OstooError("could not compile core")

    compilation = Task(work)
    for wait in (compilation.wait_for_metadata, compilation.wait):
        with pytest.raises(OstooError, match="could not compile core"):
            wait()


def test_a_failure_after_the_metadata_reaches_who_waits_for_the_code() -> None:
    seen = threading.Event()

    def work(ready: Callable[[], None]) -> Record:
        ready()
        assert seen.wait(10)
        raise OstooError("out of memory")

    compilation = Task(work)
    compilation.wait_for_metadata()
    seen.set()
    with pytest.raises(OstooError, match="out of memory"):
        compilation.wait()


def test_a_unit_is_compiled_once_whoever_asks() -> None:
    runs: list[str] = []

    def compiling(unit: str) -> Callable[[Callable[[], None]], Record]:
        def work(_ready: Callable[[], None]) -> Record:
            runs.append(unit)
            return MADE

        return work

    background = Background()
    asked = [background.start(unit, compiling(unit)) for unit in ("core", "core", "std")]
    for compilation in asked:
        compilation.wait()
    assert asked[0] is asked[1]
    assert sorted(runs) == ["core", "std"]


def test_who_waits_for_all_sees_no_failure() -> None:
    background, goes, ended = Background(), threading.Event(), []

    def fail(_ready: Callable[[], None]) -> Record:
        assert goes.wait(10)
        ended.append("core")
        raise OstooError("could not compile core")

    background.start("core", fail)
    waiting = threading.Thread(target=background.wait)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    goes.set()
    waiting.join(10)
    assert ended == ["core"]


def test_what_was_begun_is_taken_once() -> None:
    ahead, goes_on = Ahead(), threading.Event()
    ahead.begin("slow", lambda: goes_on.wait(10) and "done")
    ahead.begin("failed", lambda: int("none"))
    assert ahead.take("failed") is None
    assert ahead.take("never begun") is None
    goes_on.set()
    assert ahead.take("slow") == "done"
    assert ahead.take("slow") is None


def test_where_no_thread_can_start_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    ahead = Ahead()
    ahead.begin("a", lambda: "done")
    assert ahead.take("a") is None
