from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ostoo_build.base import layout
from ostoo_build.base.events import Stream
from ostoo_build.execution import timings
from ostoo_build.execution.jobserver import Jobserver
from ostoo_build.execution.timeline import Step, Timeline

if TYPE_CHECKING:
    from pathlib import Path

STEPS = [
    Step("Compiling", "core v0.0.0", "units/core", (), 0.5, 0.7, 4.0, 6.0, "local"),
    Step("Compiling", "a v0.1.0 (build script)", "units/b", (), 0.5, None, None, 0.6, "cached"),
    Step("Linking", "</script>", "units/a", ("units/core/x",), 6.0, 6.0, None, 8.0, "local"),
]


@pytest.fixture
def timeline() -> Timeline:
    found = Timeline(Stream(0.0))
    found.steps += reversed(STEPS)
    return found


def test_the_page_holds_the_figures(timeline: Timeline, tmp_path: Path) -> None:
    measured = timings.Measured(timeline, [(0.1, 1), (0.2, 4)], 4, {})
    page = timings.write(measured, tmp_path, {"command": "scons a"}).read_text(encoding="utf-8")
    found = re.search(r"^const data = (.*);$", page, re.MULTILINE)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    assert [each["name"] for each in data["steps"]] == ["a (build script)", "core", "linking </script>"]
    assert [each["way"] for each in data["steps"]] == ["cached", "local", "local"]
    assert data["steps"][1]["waited"] == pytest.approx(0.2)
    assert [each["critical"] for each in data["steps"]] == [False, True, True]
    assert data["critical"] == [{"name": "core", "seconds": 5.5}, {"name": "linking </script>", "seconds": 2.0}]
    assert (data["jobs"], data["cores"]) == (4, [[0.1, 1], [0.2, 4]])
    assert page.count("</script>") == 1
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page), "it needs nothing from elsewhere"


def test_steps_of_one_name_are_told_apart(tmp_path: Path) -> None:
    timeline = Timeline(Stream(0.0))
    folders = ("build/t/release/units/a-1", "build/t/release/units/a-2", "build/host/release/units/a-3")
    timeline.steps += [Step("Compiling", "a v0.1.0", folder, (), 0.0, None, None, 1.0, "local") for folder in folders]
    features = {folders[0]: "std", folders[1]: "no features", folders[2]: "no features"}
    page = timings.write(timings.Measured(timeline, [], 4, features), tmp_path, {}).read_text(encoding="utf-8")
    names = ["a [std]", "a [no features] [t]", "a [no features] [host]"]
    assert [
        each["name"] for each in json.loads(re.findall(r"^const data = (.*);$", page, re.MULTILINE)[0])["steps"]
    ] == names


def test_the_trace_is_one_that_perfetto_reads(timeline: Timeline, tmp_path: Path) -> None:
    timings.write(timings.Measured(timeline, [(0.1, 1)], 4, {}), tmp_path, {})
    events = json.loads((tmp_path / layout.TIMINGS / "trace.json").read_bytes())["traceEvents"]
    rows = {each["name"]: each["tid"] for each in events if each["ph"] == "X"}
    assert rows == {"a (build script)": 1, "core": 2, "linking </script>": 1}, "a row is taken again when it is free"
    (core,) = (each for each in events if each["name"] == "core")
    assert (core["ts"], core["dur"]) == (500_000, 5_500_000)
    assert [each["ts"] for each in events if each["name"] == "metadata"] == [4_000_000]
    assert [each["args"] for each in events if each["ph"] == "C"] == [{"busy": 1}]


def test_the_last_line_names_the_critical_path(timeline: Timeline) -> None:
    timeline.steps.append(Step("Checking", "a", "units/c", ("units/a/linked",), 8.0, None, None, 8.01, "local"))
    assert re.fullmatch(
        r"in \d+\.\d s; critical path: core 5\.5 s, linking </script> 2\.0 s", timings.summary(timeline)
    ), "what took no time is not worth a word"


def test_cores_are_counted_while_they_work() -> None:
    jobserver = Jobserver(3)
    assert jobserver.busy == 0
    sampler = timings.Sampler(Timeline(), lambda: jobserver.busy)
    with jobserver.token(), jobserver.token():
        assert jobserver.busy == 2
        sampler.start()
        while not sampler.samples:
            pass
    assert [busy for _, busy in sampler.stop()][:1] == [2]
