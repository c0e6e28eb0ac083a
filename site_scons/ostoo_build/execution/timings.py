"""Reports where the time went: as an HTML page, as a Perfetto trace, and as one line at the end of a build."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from ostoo_build.base import layout, pages
from ostoo_build.base.source_files import write_output
from ostoo_build.execution.timeline import Timeline, critical_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ostoo_build.execution.timeline import Link, Step

_PAGE = Path(__file__).with_name("timings.html")
_INTERVAL = 0.05
"""Seconds between two samples of the busy cores."""

_MICROSECONDS = 1e6
_SHOWN = 0.1
"""Minimum duration in seconds of a step that the last line names."""


@dataclass
class Sampler:
    """Samples how many cores are `busy` until it is stopped; `samples` are times in seconds with counts."""

    timeline: Timeline
    busy: Callable[[], int]
    samples: list[tuple[float, int]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Self:
        threading.Thread(target=self._look, daemon=True).start()
        return self

    def stop(self) -> list[tuple[float, int]]:
        self._over.set()
        return self.samples

    def _look(self) -> None:
        while not self._over.wait(_INTERVAL):
            self.samples.append((self.timeline.now, self.busy()))


class Measured(Struct, frozen=True):
    """What was measured of an invocation with some `jobs`; `samples` are times in seconds with the cores in use.

    `features` tell units apart that have one name, by folder.
    """

    timeline: Timeline
    samples: list[tuple[float, int]]
    jobs: int
    features: Mapping[str, str]


def write(measured: Measured, root: Path, about: Mapping[str, str]) -> Path:
    """Write the page and the trace to `root`'s folder for them; return the page's path. Raises `OSError`.

    `about` is what the page says of where it is from.
    """
    folder, timeline = root / layout.TIMINGS, measured.timeline
    steps = sorted(timeline.steps, key=lambda step: (step.begin, step.end))
    path = critical_path(steps)
    names = _names(steps, measured.features)
    data = {
        "total": timeline.now,
        "jobs": measured.jobs,
        "steps": [_described(step, name, path) for step, name in zip(steps, names, strict=True)],
        "critical": [{"name": names[steps.index(link.step)], "seconds": link.seconds} for link in path],
        "cores": measured.samples,
    }
    write_output(folder / "timings.html", pages.page(_PAGE, data, about).encode())
    write_output(folder / "trace.json", json.dumps({"traceEvents": list(_trace(steps, measured.samples))}).encode())
    return folder / "timings.html"


def _names(steps: Sequence[Step], features: Mapping[str, str]) -> list[str]:
    """Name each step: with features where these separate two of one name, then with the platform, then with an id."""
    found = [name_of(step) for step in steps]
    for tell in (lambda step: features.get(step.folder, ""), _platform, _id):
        counts = Counter(found)
        told = ((name, tell(step) if counts[name] > 1 else "") for name, step in zip(found, steps, strict=True))
        found = [f"{name} [{more}]" if more else name for name, more in told]
    return found


def _platform(step: Step) -> str:
    """Return the platform for which a step works, by the folder of its outputs."""
    return step.folder.split("/")[1] if step.folder.count("/") > 1 else ""


def _id(step: Step) -> str:
    return step.folder.rpartition("/")[2]


def summary(timeline: Timeline) -> str:
    """Return the total time and the critical path: `12.3 s; critical path: core 5.6 s, alloc 1.2 s`."""
    named = (
        f"{name_of(link.step)} {link.seconds:.1f} s" for link in critical_path(timeline.steps) if link.seconds >= _SHOWN
    )
    return f"in {timeline.now:.1f} s; critical path: {', '.join(named)}"


def name_of(step: Step) -> str:
    """Return the name of a step: `core`, `linking hello-std`."""
    name = re.sub(r" v\d\S*", "", step.subject)
    return name if step.verb == "Compiling" else f"{step.verb.lower()} {name}"


def _described(step: Step, name: str, path: list[Link]) -> dict[str, Any]:
    return {
        "name": name,
        "subject": step.subject,
        "way": step.way,
        "why": step.reasons,
        "begin": step.begin,
        "started": step.started,
        "metadata": step.metadata,
        "end": step.end,
        "waited": step.waited,
        "critical": any(link.step is step for link in path),
    }


def _trace(steps: list[Step], samples: list[tuple[float, int]]) -> list[dict[str, Any]]:
    """Convert to Chrome's Trace Event Format, which Perfetto reads: concurrent steps get rows of their own."""
    events: list[dict[str, Any]] = []
    rows: list[float] = []
    for step in steps:
        row = next((number for number, free in enumerate(rows) if free <= step.begin), len(rows))
        rows[row : row + 1] = [step.end]
        common = {"pid": 1, "tid": row + 1, "cat": step.way}
        events.append(
            {
                **common,
                "name": name_of(step),
                "ph": "X",
                "ts": step.begin * _MICROSECONDS,
                "dur": (step.end - step.begin) * _MICROSECONDS,
                "args": {
                    "action": step.subject,
                    "way": step.way,
                    "why": step.reasons,
                    "waited for a core, s": step.waited,
                },
            }
        )
        if step.metadata is not None:
            events.append({**common, "name": "metadata", "ph": "i", "s": "t", "ts": step.metadata * _MICROSECONDS})
    events += [
        {"pid": 1, "name": "cores", "ph": "C", "ts": moment * _MICROSECONDS, "args": {"busy": busy}}
        for moment, busy in samples
    ]
    return events
