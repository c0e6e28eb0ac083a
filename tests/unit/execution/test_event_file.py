from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import events
from ostoo_build.base.errors import OstooError
from ostoo_build.base.events import Stream
from ostoo_build.execution.event_file import EventFile

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.events import Event


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_event_is_a_line_at_once_and_the_end_is_the_last(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text("of another build")
    file = EventFile(path)
    file(0.1234567, events.ActionStarted(3))
    assert lines(path) == [{"at": 0.123457, "event": "action-started", "action": 3}]
    file(1, events.BuildEnded("stopped"))
    file(2, events.BuildEnded("succeeded"))
    file(3, events.ActionEnded(3, "failed"))
    assert lines(path)[1:] == [{"at": 1, "event": "build-ended", "outcome": "stopped"}]


def test_nobody_else_reads_the_environment_of_commands(tmp_path: Path) -> None:
    EventFile(tmp_path / "events")
    assert (tmp_path / "events").stat().st_mode & 0o777 == 0o600


def test_any_text_is_a_line(tmp_path: Path) -> None:
    odd = "ü\n\udcff\x00"
    file = EventFile(tmp_path / "events")
    file(0, events.StatusShown("Fetching", odd))
    (line,) = lines(tmp_path / "events")
    assert line["subject"] == odd


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    stream = Stream()
    stream.listen(EventFile(tmp_path / "events"))
    threads = [threading.Thread(target=stream.status, args=(f"{each}", "x" * 9000)) for each in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {line["verb"] for line in lines(tmp_path / "events")} == {f"{each}" for each in range(40)}


@pytest.mark.parametrize("name", ["", "missing/events", "file/events"])
def test_a_file_that_can_not_be_written_is_one_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OstooError, match="can't write events to") as caught:
        EventFile(tmp_path / name)
    assert "--events FILE" in caught.value.remedy


def test_a_build_goes_on_if_nobody_reads_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    file = EventFile(tmp_path / "pipe")
    event: Event = events.ActionStarted(1)
    file(0, event)
    assert file.failure is None
    os.close(reader)
    for _ in range(2):
        file(1, event)
        assert isinstance(file.failure, BrokenPipeError)
