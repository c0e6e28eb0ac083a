"""Decides what becomes of running actions after another one failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ostoo_build.execution.timeline import Step, Timeline

WORTH_KEEPING = 5.0
"""Seconds of work that are not thrown away: the next build would have to do them again (docs/design_notes.md)."""


def stop(timeline: Timeline) -> list[Step]:
    """Let no further action begin, and end those with little work done; return those that go on, the oldest first."""
    timeline.is_closed = True
    kept = []
    for step in tuple(timeline.running):
        if timeline.worked(step) < WORTH_KEEPING:
            step.batch.stop()
        else:
            kept.append(step)
    return sorted(kept, key=lambda step: step.begin)
