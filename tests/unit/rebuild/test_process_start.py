from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.rebuild.process_start import ProcessStart
from ostoo_build.rebuild.standby import Standby
from ostoo_build.server.handover import Handover
from ostoo_build.server.request import Request
from ostoo_scons import whole_run

if TYPE_CHECKING:
    from collections.abc import Callable

SITE_SCONS = Path(__file__).parents[3] / "site_scons"
TOOL = "import sys\nfrom ostoo_build.rebuild import process_start\nprint(sys.argv[1:], process_start.taken())\n"
"""What a tool that SCons loads would ask."""

ASKED = ("3.11", "/python", ["hello-rs"], b"environment")


@pytest.fixture
def says(tmp_path: Path) -> Callable[..., str]:
    """What a program says that has `TOOL` in place of SCons."""
    fake.write(tmp_path / "SCons/__init__.py", "")
    fake.write(tmp_path / "SCons/__main__.py", "import tool")
    fake.write(tmp_path / "tool.py", TOOL)

    def run(*words: str) -> str:
        env = {"PYTHONPATH": f"{tmp_path}:{SITE_SCONS}"}
        done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, check=True)
        return done.stdout

    return run


def test_a_tool_of_scons_takes_what_scons_was_run_with(says: Callable[..., str]) -> None:
    handed = ProcessStart(17, ASKED)
    start = (
        f"from ostoo_build.rebuild.process_start import ProcessStart, run_scons\nrun_scons(ProcessStart(17, {ASKED!r}))"
    )
    assert says("-c", start, "-Q", "hello-rs") == f"['-Q', 'hello-rs'] {handed}\n"


def test_scons_that_was_started_by_itself_is_begun_when_it_is_asked(says: Callable[..., str]) -> None:
    before = time.time_ns()
    said = says("-m", "SCons")
    started = int(said.partition("started=")[2].partition(",")[0])
    assert before < started < time.time_ns()
    assert said == f"[] {ProcessStart(started)}\n"


def test_a_build_waits_where_its_standby_does() -> None:
    assert not ProcessStart(1).waits
    with socket.socket() as line:
        at_once, later = (Standby(Handover(line, Request(), waits=waits, is_watched=False)) for waits in (False, True))
        assert not ProcessStart(1, standby=at_once).waits
        assert ProcessStart(1, standby=later).waits


def test_scons_is_started_without_any_other_package() -> None:
    """Where one is damaged, who needs that one reports it."""
    code = "import ostoo_build.base.deferred, ostoo_build.base.errors, ostoo_build.rebuild.process_start"
    done = subprocess.run([sys.executable, "-S", "-P", "-c", code], env={"PYTHONPATH": str(SITE_SCONS)}, check=True)
    assert done.returncode == 0


def test_a_second_interrupt_while_scons_tells_of_the_first_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal and a server both send one."""

    def run_scons(_start: ProcessStart) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise KeyboardInterrupt

    monkeypatch.setattr(whole_run, "run_scons", run_scons)
    monkeypatch.setattr(sys, "argv", ["scons"])
    assert whole_run.perform(ProcessStart(0, None), []) == whole_run.EXIT_CODE
