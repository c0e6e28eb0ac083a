"""The block on a real terminal emulator: each test compares whole screens."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from screens import terminal

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from screens import Terminal

BEGIN = """
import os, sys, time
from ostoo_build.base import status_block
from ostoo_build.base.status_block import StatusBlock

status_block._DELAY = 0
rows = ["    Building 1/3 (2 s)", "   Compiling core (1 s)"]
block = StatusBlock(lambda size: [row[: size.columns - 1] for row in rows])
def wait():
    sys.__stdin__.readline()
"""


def run(code: str, tmp_path: Path, columns: int = 80, rows: int = 24) -> AbstractContextManager[Terminal]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = ["sh", "-c", 'stty -echo && exec "$@"', "sh", sys.executable, "-c", BEGIN + code]
    return terminal(argv, cwd=tmp_path, environ=environ, columns=columns, rows=rows)


BUILDING, COMPILING = "    Building 1/3 (2 s)", "   Compiling core (1 s)"


def test_what_is_written_stands_above_and_nothing_is_left_at_the_end(tmp_path: Path) -> None:
    code = """
print("before")
block.start()
wait()
print("to stdout")
print("to stderr", file=sys.stderr)
wait()
block.stop()
print("after")
"""
    with run(code, tmp_path) as shown:
        assert shown.until(lambda rows: COMPILING in rows) == ["before", BUILDING, COMPILING]
        shown.type("\n")
        assert shown.until(lambda rows: "to stderr" in rows and COMPILING in rows) == [
            "before",
            "to stdout",
            "to stderr",
            BUILDING,
            COMPILING,
        ]
        shown.type("\n")
        assert shown.to_the_end() == ["before", "to stdout", "to stderr", "after"]


def test_the_block_never_goes_while_others_write(tmp_path: Path) -> None:
    code = """
block.start()
wait()
for number in range(300):
    print(f"line {number}", file=sys.stderr)
wait()
block.stop()
"""
    with run(code, tmp_path) as shown:
        shown.until(lambda rows: rows == [BUILDING, COMPILING])
        begin = len(shown.frames)
        shown.type("\n")
        assert shown.until(lambda rows: rows[-3:] == ["line 299", BUILDING, COMPILING])
        assert shown.raw.count(b"\x1b[J") < 700, "one or two for each line"
        shown.type("\n")
        assert shown.to_the_end()[-1] == "line 299"
        history = ["".join(row[at].data for at in range(20)).rstrip() for row in shown.screen.history.top]
        assert [*history, *shown.rows] == [f"line {number}" for number in range(300)]
        assert begin


def test_a_line_that_is_not_complete_is_left_alone(tmp_path: Path) -> None:
    code = """
block.start()
wait()
sys.stderr.write("half ")
time.sleep(0.5)  # the block could come back in the meantime
wait()
sys.stderr.write("of a line\\n")
wait()
block.stop()
"""
    with run(code, tmp_path) as shown:
        shown.until(lambda rows: rows == [BUILDING, COMPILING])
        shown.type("\n")
        shown.until(lambda rows: rows == ["half"])
        shown.type("\n")
        shown.until(lambda rows: rows == ["half of a line", BUILDING, COMPILING])
        shown.type("\n")
        assert shown.to_the_end() == ["half of a line"]


@pytest.mark.parametrize(("columns", "others"), [(200, 40), (40, 200), (80, 20)])
def test_another_size_leaves_nothing_of_the_former_one(columns: int, others: int, tmp_path: Path) -> None:
    code = """
rows.append("   Compiling " + "a" * 300)
print("before")
block.start()
wait()
print("later")
wait()
block.stop()
"""
    long = "   Compiling " + "a" * 300
    with run(code, tmp_path, columns) as shown:
        expected = [BUILDING[: columns - 1], COMPILING[: columns - 1], long[: columns - 1]]
        shown.until(lambda rows: rows == ["before", *expected])
        shown.resize(others, 24)
        shown.type("\n")
        expected = [row[: others - 1].rstrip() for row in (BUILDING, COMPILING, long)]
        shown.until(lambda rows: rows == ["before", "later", *expected])
        shown.type("\n")
        assert shown.to_the_end() == ["before", "later"]


def test_it_scrolls_at_the_bottom_of_the_screen(tmp_path: Path) -> None:
    code = """
for number in range(30):
    print(number)
block.start()
wait()
print("more")
wait()
block.stop()
"""
    with run(code, tmp_path, rows=6) as shown:
        assert shown.until(lambda rows: COMPILING in rows) == ["26", "27", "28", "29", BUILDING, COMPILING]
        shown.type("\n")
        shown.until(lambda rows: rows == ["27", "28", "29", "more", BUILDING, COMPILING])
        shown.type("\n")
        assert shown.to_the_end()[-2:] == ["29", "more"]


def test_another_program_has_the_terminal_for_itself(tmp_path: Path) -> None:
    code = """
from pathlib import Path
from ostoo_build.base import process
block.start()
wait()
asks = ["sh", "-c", "printf 'a word '; read line; echo to the user"]
process.run_inherited(asks, cwd=Path("/"), env=os.environ, stdout=None)
wait()
block.stop()
"""
    with run(code, tmp_path) as shown:
        shown.until(lambda rows: rows == [BUILDING, COMPILING])
        shown.type("\n")
        shown.until(lambda rows: rows == ["a word"])
        shown.type("\n")
        shown.until(lambda rows: rows == ["a word to the user", BUILDING, COMPILING])
        shown.type("\n")
        assert shown.to_the_end() == ["a word to the user"]


def test_a_process_that_ends_by_force_leaves_nothing(tmp_path: Path) -> None:
    code = """
block.start()
wait()
status_block.leave_all()
os._exit(3)
"""
    with run(code, tmp_path) as shown:
        shown.until(lambda rows: rows == [BUILDING, COMPILING])
        shown.type("\n")
        assert shown.to_the_end() == []
        assert shown.process.returncode == 3


def test_who_has_nothing_to_show_touches_nothing(tmp_path: Path) -> None:
    code = """
rows.clear()
block.start()
print("only this")
wait()
block.stop()
"""
    with run(code, tmp_path) as shown:
        shown.until(lambda rows: rows == ["only this"])
        shown.type("\n")
        shown.to_the_end()
        assert bytes(shown.raw) == b"only this\r\n"


def test_a_job_in_the_background_does_not_move_the_cursor(tmp_path: Path) -> None:
    code = """
import signal
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
signal.signal(signal.SIGTTIN, signal.SIG_IGN)
read, write = os.pipe()
child = os.fork()
if child:
    os.write(write, sys.__stdin__.readline().encode())
    os.waitpid(child, 0)
    os._exit(0)
os.setpgid(0, 0)
block.start()
print("a job says this")
os.read(read, 1)
block.stop()
os._exit(0)
"""
    with run(code, tmp_path) as shown:
        shown.until(lambda rows: rows == ["a job says this"])
        shown.type("\n")
        shown.to_the_end()
        assert bytes(shown.raw) == b"a job says this\r\n"


def test_streams_are_as_before_at_the_end(tmp_path: Path) -> None:
    code = """
before = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
block.start()
assert sys.stderr is not before[1] and sys.stderr.isatty() and sys.stderr.encoding
block.stop()
assert (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__) == before
"""
    with run(code, tmp_path) as shown:
        assert shown.to_the_end() == []
        assert shown.process.returncode == 0
