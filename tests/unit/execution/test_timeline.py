from __future__ import annotations

import sys
import threading
import time

import pytest

from ostoo_build.base.process import StoppedError
from ostoo_build.execution.timeline import Step, Timeline, critical_path


def step(folder: str, begin: float, end: float, *inputs: str, metadata: float | None = None) -> Step:
    return Step("Compiling", folder, folder, inputs, begin, begin, metadata, end, "local")


def names(steps: list[Step]) -> list[tuple[str, float]]:
    return [(link.step.subject, round(link.seconds, 6)) for link in critical_path(steps)]


def test_a_step_is_measured_however_it_ends() -> None:
    timeline = Timeline()
    with timeline.step("Compiling", "core", "units/core", ["src/lib.rs"], timeline.now) as found:
        timeline.started()
        timeline.metadata()
        found.way = "local"
    with pytest.raises(ValueError, match="no"), timeline.step("Linking", "a", "a", [], timeline.now):
        raise ValueError("no")
    done, failed = timeline.steps
    assert done.started is not None
    assert done.metadata is not None
    assert 0 <= done.begin <= done.started <= done.metadata <= done.end <= failed.begin <= failed.end <= timeline.now
    assert done.waited == done.started - done.begin
    assert (failed.way, failed.started, failed.waited) == ("failed", None, 0.0)


def test_each_thread_has_a_step_of_its_own() -> None:
    timeline = Timeline()
    timeline.started()  # it is nobody's
    with timeline.step("Compiling", "a", "a", [], timeline.now):
        other = threading.Thread(target=timeline.started)
        other.start()
        other.join()
        with timeline.step("Compiling", "b", "b", [], timeline.now):
            timeline.started()
        timeline.metadata()
    inner, outer = timeline.steps
    assert (inner.subject, inner.started is not None, inner.metadata) == ("b", True, None)
    assert (outer.subject, outer.started, outer.metadata is not None) == ("a", None, True)


def test_the_path_is_what_the_end_waited_for() -> None:
    steps = [
        step("units/core", 0, 5, "src/core.rs"),
        step("units/other", 0, 3),
        step("units/alloc", 5, 7, "units/core/rmeta/libcore.rmeta"),
        step("units/a", 7.1, 8, "units/alloc/rlib/liballoc.rlib", "units/other/rlib/libother.rlib"),
        step("units/a/linked", 8, 9, "units/a/a.rlink", "sysroot/lib/libc.a"),
    ]
    assert names(steps) == [
        ("units/core", 5),
        ("units/alloc", 2),
        ("units/a", 0.9),
        ("units/a/linked", 1),
    ]


def test_metadata_lets_others_begin_before_the_code_is_there() -> None:
    steps = [
        step("core", 0, 9, metadata=4),
        step("alloc", 4.5, 6, "core/rmeta/libcore.rmeta"),
        step("a", 9, 10, "alloc/rlib/liballoc.rlib", "core/rlib/libcore.rlib"),
    ]
    assert names(steps) == [("core", 9), ("a", 1)]
    steps[0].end = 5.5
    assert names(steps[:2]) == [("core", 4), ("alloc", 1.5)]


def test_a_path_ends_where_nobody_made_the_input() -> None:
    assert critical_path([]) == []
    assert names([step("a", 1, 2, "a/own", "src/main.rs")]) == [("a", 1)]


def test_who_is_at_work_is_known_until_the_end() -> None:
    timeline = Timeline()
    with timeline.step("Compiling", "core", "units/core", [], timeline.now) as found:
        assert timeline.running == [found]
        with timeline.step("Compiling", "alloc", "units/alloc", [], timeline.now) as inner:
            assert timeline.running == [found, inner]
    assert timeline.running == []


def test_steps_that_begin_and_end_in_many_threads_are_all_told_apart() -> None:
    timeline = Timeline()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(200):
                with timeline.step("Compiling", "same", "same", (), 0.0) as found:
                    time.sleep(0)  # others begin meanwhile
                    found.way = "local"
        except BaseException as error:  # noqa: BLE001 - a thread's error would be lost
            failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(30)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(before)
    assert (failures, timeline.running) == ([], [])
    assert len({each.number for each in timeline.steps}) == 30 * 200


def test_nothing_begins_once_it_is_closed() -> None:
    timeline = Timeline()
    timeline.is_closed = True
    with pytest.raises(StoppedError), timeline.step("Compiling", "core", "units/core", [], timeline.now):
        pytest.fail("it began")
    assert timeline.running == []


def test_work_begins_with_a_core_or_where_none_is_waited_for() -> None:
    timeline = Timeline()
    with timeline.step("Providing", "sysroot", "sysroot", [], timeline.now - 7) as found:
        assert 7 <= timeline.worked(found) < 60
        timeline.waits()
        assert found.is_waiting
        assert timeline.worked(found) == 0.0
        timeline.started()
        assert 0.0 <= timeline.worked(found) < 7
