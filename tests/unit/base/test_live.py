from __future__ import annotations

import os
import pty
import sys
import threading
import time
from typing import TYPE_CHECKING

from ostoo_build.base import activity, live
from ostoo_build.base.activity import Activity
from ostoo_build.base.console import Console
from ostoo_build.base.status_block import StatusBlock

if TYPE_CHECKING:
    import pytest

SIZE = os.terminal_size((40, 4))


class Fixed:
    """A status that says the same all the time."""

    def __init__(self, said: str) -> None:
        self.said = said

    def lines(self, _size: os.terminal_size) -> list[str]:
        return [self.said]

    def sentence(self) -> str:
        return self.said


def test_a_terminal_gets_a_block_and_a_log_nothing_but_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    status, console = Fixed("core"), Console(colour=False, quiet=False)
    assert live.display(status, console, {"TERM": "xterm"}) is None
    assert live.display(status, console, {"CI": "false"}) is None
    assert isinstance(live.display(status, console, {"CI": "true"}), live.Heartbeat)
    controller, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr(sys, "stderr", stream)
        assert isinstance(live.display(status, console, {"TERM": "xterm"}), StatusBlock)
        assert live.display(status, console, {"TERM": "dumb"}) is None
        assert isinstance(live.display(status, console, {"TERM": "dumb", "CI": "1"}), live.Heartbeat)
        assert live.display(status, Console(colour=False, quiet=True), {"TERM": "xterm", "CI": "1"}) is None
    os.close(controller)


def test_silence_is_broken_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live, "_SILENCE", 0.2)
    status, console = Fixed("core v0.0.0 (34 s)"), Console(colour=False, quiet=False)
    written = ""
    with live.shown(status, console, {"CI": "true"}):
        for _ in range(20):
            console.status("Compiling", "a")
            time.sleep(0.02)
        assert capsys.readouterr().err == "   Compiling a\n" * 20
        while written.count("\n") < 2:
            written += capsys.readouterr().err
            time.sleep(0.02)
        status.said = ""  # nothing goes on, and nothing is said
        time.sleep(0.5)
        capsys.readouterr()
        time.sleep(0.5)
        assert capsys.readouterr().err == ""
    assert set(written.splitlines()) == {"     Waiting for core v0.0.0 (34 s)"}


def test_nobody_waits_for_the_end_of_the_silence() -> None:
    began = time.monotonic()
    with live.shown(Fixed("core"), Console(colour=False, quiet=False), {"CI": "true"}):
        assert threading.active_count() > 1
    assert time.monotonic() - began < 10


def test_set_up_shows_its_activities_in_the_room_there_is() -> None:
    status = live.SetUp(colour=False)
    assert (status.lines(SIZE), status.sentence()) == ([], "")
    began = time.monotonic() - 7
    activities = [Activity("Fetching", f"{name} and all that it needs", began=began) for name in "abcd"]
    with (
        activity.during(activities[0]),
        activity.during(activities[1]),
        activity.during(activities[2]),
        activity.during(activities[3]),
    ):
        assert status.lines(SIZE) == [f"    Fetching {name} and all that it n… (7 s)" for name in "abc"]
        assert status.lines(os.terminal_size((80, 1))) == ["    Fetching a and all that it needs (7 s)"]
        assert status.sentence().startswith("a and all that it needs (7 s), b and")
        assert live.SetUp(colour=True).lines(SIZE)[0].startswith("\x1b[1;36m    Fetching\x1b[0m a and")
