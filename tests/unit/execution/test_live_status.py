from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import activity
from ostoo_build.base.activity import Activity
from ostoo_build.base.events import Stream
from ostoo_build.execution.live_status import Counts, LiveStatus
from ostoo_build.execution.timeline import Step, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from ostoo_build.base.events import Way

SIZE = os.terminal_size((80, 24))


def a_timeline(seconds: float) -> Timeline:
    return Timeline(Stream(time.monotonic() - seconds))


def at_work(timeline: Timeline, subject: str, seconds: float | None, *, code: bool = False) -> None:
    """Let an action have had a core for so long; None if it waits for one."""
    started = None if seconds is None else timeline.now - seconds
    metadata = timeline.now if code else None
    step = Step("Compiling", subject, subject, (), 0.0 if started is None else started, started, metadata)
    step.is_waiting = started is None
    timeline.running.append(step)


def always(counts: Counts | None) -> Callable[[], Counts | None]:
    return lambda: counts


def status(timeline: Timeline, counts: Counts | None = None) -> LiveStatus:
    return LiveStatus(timeline, always(counts), colour=False)


def test_a_build_tells_its_plan_what_runs_and_what_the_cache_had() -> None:
    timeline = a_timeline(40)
    ways: tuple[Way, ...] = ("cached", "local", "cached")
    for way in ways:
        timeline.steps.append(Step("Compiling", "x", "x", (), 0.0, way=way))
    at_work(timeline, "alloc v0.0.0", 3)
    at_work(timeline, "core v0.0.0", 34, code=True)
    at_work(timeline, "waits", None)
    found = status(timeline, Counts(7, 31))
    assert found.lines(SIZE) == [
        "    Building 7/31, 2 cached (40 s)",
        "   Compiling core v0.0.0: its code (34 s)",
        "   Compiling alloc v0.0.0 (3 s)",
    ]
    assert found.sentence() == "core v0.0.0 (34 s), alloc v0.0.0 (3 s)"


def test_before_there_is_a_plan_set_up_is_shown() -> None:
    found = status(a_timeline(2))
    assert (found.lines(SIZE), found.sentence()) == ([], "")
    with activity.during(Activity("Fetching", "zig", began=time.monotonic() - 2)):
        assert found.lines(SIZE) == ["    Fetching zig (2 s)"]
        assert found.sentence() == "zig (2 s)"


def test_between_two_actions_the_plan_stays_and_at_the_end_nothing() -> None:
    timeline = a_timeline(1)
    assert status(timeline, Counts(7, 31)).lines(SIZE) == ["    Building 7/31 (1 s)"]
    assert status(timeline, Counts(31, 31)).lines(SIZE) == []


def test_after_a_failure_it_says_what_it_waits_for() -> None:
    timeline = a_timeline(40)
    timeline.is_closed = True
    assert status(timeline, Counts(7, 31)).lines(SIZE) == []
    at_work(timeline, "core v0.0.0", 34, code=True)
    assert status(timeline, Counts(7, 31)).lines(SIZE) == [
        "   Finishing 7/31 (40 s)",
        "     Waiting for core v0.0.0: its code (34 s)",
    ]


@pytest.mark.parametrize("columns", [10, 20, 40, 80, 200])
@pytest.mark.parametrize("rows", [1, 2, 5, 24])
@pytest.mark.parametrize("colour", [False, True])
def test_lines_fit_into_the_terminal(columns: int, rows: int, *, colour: bool) -> None:
    timeline = a_timeline(1234)
    for number in range(40):
        at_work(timeline, f"{number} {'long-name' * 4 * (number % 3)} v0.1.0", number)
    lines = LiveStatus(timeline, always(Counts(1, 40)), colour).lines(os.terminal_size((columns, rows)))
    plain = [line.replace("\x1b[1;36m", "").replace("\x1b[0m", "") for line in lines]
    assert 1 <= len(lines) <= max(1, rows - 1)
    assert all(len(line) < columns for line in plain)
    assert "\x1b" not in "".join(plain)
    if columns >= 40 and rows > 2:
        assert plain[0] == "    Building 1/40 (1234 s)"
        assert plain[1].endswith(" (39 s)"), "what runs for longest is shown, with its time"
