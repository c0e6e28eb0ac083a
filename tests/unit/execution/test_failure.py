from __future__ import annotations

from ostoo_build.execution import failure
from ostoo_build.execution.timeline import Step, Timeline


def at_work(timeline: Timeline, subject: str, began: float | None) -> Step:
    """A step that got a core so many seconds ago."""
    started = None if began is None else timeline.now - began
    step = Step("Compiling", subject, f"units/{subject}", (), 0.0 if started is None else started, started)
    step.is_waiting = started is None
    timeline.running.append(step)
    return step


def test_only_what_was_worked_on_for_long_goes_on_after_a_failure() -> None:
    timeline = Timeline()
    steps = [
        at_work(timeline, name, began)
        for name, began in (("young", 1), ("old", 60), ("waits", None), ("older", 90), ("almost", 4.9))
    ]
    assert [step.subject for step in failure.stop(timeline)] == ["older", "old"]
    assert {step.subject for step in steps if step.batch.is_stopped} == {"young", "waits", "almost"}
    assert timeline.is_closed
