from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from ostoo_build.base import streams
from ostoo_build.base.streams import Stdout

SITE_SCONS = Path(streams.__file__).parents[2]
START = "import os, sys\nfrom ostoo_build.base import streams\nstreams.take()\n"


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_what_is_written_goes_on() -> None:
    stream = io.StringIO()
    stdout = Stdout(stream, is_closed=False)
    stdout.writelines(["a", "b"])
    assert stdout.write("cd") == 2
    stdout.flush()
    assert stdout.getvalue() == "abcd"
    assert stdout.failure is None


def test_the_first_failure_is_remembered() -> None:
    stdout = Stdout(Full(), is_closed=False)
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            stdout.write("a")
    assert stdout.failure is not None
    assert stdout.failure.errno == 28


def test_nothing_can_be_written_to_what_is_closed() -> None:
    stdout = Stdout(io.StringIO(), is_closed=True)
    stdout.write("")
    assert stdout.failure is None
    with pytest.raises(OSError, match="Bad file descriptor"):
        stdout.write("a")


def run(code: str, before: str = "") -> subprocess.CompletedProcess[str]:
    command = f'{before}exec "$0" -c "$1"'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, START + code],
        env={"PYTHONPATH": str(SITE_SCONS)},
        capture_output=True,
        text=True,
        check=False,
    )


SAY = "try:\n    print('said')\nexcept OSError:\n    pass\nsys.stderr.write(streams.complaint())"


def test_what_could_be_written_is_no_complaint() -> None:
    done = run(SAY)
    assert (done.stdout, done.stderr) == ("said\n", "")


@pytest.mark.parametrize(
    ("before", "why"),
    [("exec >/dev/full; ", "No space left on device"), ("exec >&-; ", "Bad file descriptor")],
)
def test_what_could_not_be_written_is_a_complaint(before: str, why: str) -> None:
    done = run(SAY.replace("print('said')", "print('said', flush=True)"), before)
    assert f"error: can't write to stdout: {why}\n" in done.stderr


@pytest.mark.parametrize("closed", ["0<&-", ">&-", "2>&-", "0<&- >&- 2>&-"])
def test_no_file_of_ours_is_where_everybody_writes(closed: str, tmp_path: Path) -> None:
    code = f"descriptor = os.open({str(tmp_path / 'file')!r}, os.O_WRONLY | os.O_CREAT)\nos._exit(descriptor > 2)"
    assert run(code, f"exec {closed}; ").returncode == 1
