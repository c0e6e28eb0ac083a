from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import sys
import termios
from typing import TYPE_CHECKING

import pytest
import screens

from ostoo_build.base import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO


@pytest.fixture
def stream() -> Iterator[TextIO]:
    """A stream to a terminal that nobody reads."""
    controller, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as found:  # noqa: PTH123 - a descriptor
        yield found
    os.close(controller)


COLOURS = [
    ({}, True, False),
    ({"TERM": "dumb"}, False, False),
    ({"TERM": None}, False, False),
    ({"NO_COLOR": "1"}, False, False),
    ({"NO_COLOR": ""}, True, False),
    ({"FORCE_COLOR": "1"}, True, True),
    ({"FORCE_COLOR": "0"}, True, False),
    ({"FORCE_COLOR": ""}, True, False),
    ({"CLICOLOR_FORCE": "1"}, True, True),
    ({"CLICOLOR_FORCE": "0"}, True, False),
    ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
    ({"FORCE_COLOR": "3", "NO_COLOR": "1"}, False, False),
    ({"CLICOLOR_FORCE": "1", "NO_COLOR": "yes"}, False, False),
]


@pytest.mark.parametrize(("given", "on_terminal", "elsewhere"), COLOURS)
def test_variables_decide_about_colours_as_with_cargo(
    given: dict[str, str | None], stream: TextIO, *, on_terminal: bool, elsewhere: bool
) -> None:
    environ = {name: value for name, value in {"TERM": "xterm", **given}.items() if value is not None}
    assert terminal.takes_colours(stream, environ) == on_terminal
    assert terminal.takes_colours(io.StringIO(), environ) == elsewhere


def test_only_terminals_that_can_move_their_cursor_are_moved(stream: TextIO) -> None:
    assert terminal.moves_cursor(stream, {"TERM": "vt100"})
    assert not terminal.moves_cursor(stream, {"TERM": "dumb"})
    assert not terminal.moves_cursor(stream, {})
    assert not terminal.moves_cursor(io.StringIO(), {"TERM": "vt100"})
    assert not terminal.moves_cursor(None, {"TERM": "vt100"})


def test_a_closed_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    stream.close()
    assert not terminal.is_terminal(stream)


def test_the_size_is_asked_each_time(stream: TextIO) -> None:
    assert terminal.size(stream) == (80, 24), "a terminal that does not tell"
    for wanted in ((40, 10), (200, 60)):
        set_size(stream, *wanted)
        assert terminal.size(stream) == wanted
    assert terminal.size(io.StringIO()) == (80, 24)


def set_size(stream: TextIO, columns: int, rows: int) -> None:
    fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def test_a_terminal_that_controls_others_is_written_to_all_the_same(stream: TextIO) -> None:
    assert terminal.is_in_front(stream)


JOBS = """
import os, sys, time
from ostoo_build.base import terminal
background = os.fork()
if not background:
    os.setpgid(0, 0)
    time.sleep(60)
while os.getpgid(background) == os.getpgid(0):
    time.sleep(0.01)
alone = os.fork()
if not alone:
    os.setsid()
    time.sleep(60)
while os.getsid(alone) == os.getsid(0):
    time.sleep(0.01)
found = []
for process in (None, os.getpid(), background, alone, 1 << 22):
    terminal.work_for(process)
    found.append(terminal.is_in_front(sys.stderr))
print(*found)
os.kill(background, 9)
os.kill(alone, 9)
"""


def test_a_server_asks_for_the_command_that_it_works_for(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    with screens.terminal([sys.executable, "-c", JOBS], cwd=tmp_path, environ=environ) as shown:
        assert shown.to_the_end() == ["True True False True True"]
