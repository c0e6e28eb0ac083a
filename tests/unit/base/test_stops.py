"""A process is asked to end by signals: each test starts one, as an asked process does not go on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ostoo_build.base import stops

SITE_SCONS = Path(stops.__file__).parents[2]
BEGIN = "import os, signal, sys, threading\nfrom ostoo_build.base.stops import Stops\n"
READY = "print('ready', flush=True)\n"


def start(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + code],
        env={"PYTHONPATH": str(SITE_SCONS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_waits_for_a_lock_ends_all_the_same(asked: signal.Signals) -> None:
    child = start(
        f"signal.signal({asked}, lambda *_: None)\nStops()\n{READY}lock = threading.Lock()\n" + "lock.acquire()\n" * 2
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(asked)
    assert child.wait(60) == 128 + asked


def test_the_end_is_by_the_same_signal() -> None:
    child = start(
        "import ostoo_build.base.stops\nostoo_build.base.stops._PATIENCE = 60\n"
        f"signal.signal(signal.SIGTERM, lambda *_: None)\nstops = Stops()\n{READY}sys.stdin.readline()\n"
        "assert stops.is_asked\nstops.end()\nsys.exit(9)"
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGTERM)
    child.communicate("go\n", timeout=60)
    assert child.returncode == -signal.SIGTERM


def test_nobody_who_was_not_asked_ends() -> None:
    child = start("stops = Stops()\nassert not stops.is_asked\nstops.end()\nassert not stops.is_asked\nsys.exit(7)")
    assert child.wait(60) == 7


def test_what_runs_is_ended_at_once() -> None:
    child = start(
        "import pathlib\nfrom ostoo_build.base import process\n"
        f"signal.signal(signal.SIGTERM, lambda *_: None)\nstops = Stops()\n{READY}"
        "try:\n    process.run(['sleep', '600'], cwd=pathlib.Path('/'), env=os.environ)\n"
        "except process.StoppedError:\n    stops.end()"
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) in (-signal.SIGTERM, 128 + signal.SIGTERM)


@pytest.mark.parametrize("last", ["print('last', flush=True)", "print('last', flush=True) or threading.Event().wait()"])
def test_who_is_left_early_has_a_last_word_but_not_for_long(last: str) -> None:
    child = start(
        f"signal.signal(signal.SIGTERM, lambda *_: None)\nstops = Stops()\nstops.leaving = lambda: {last}\n{READY}"
        "lock = threading.Lock()\nlock.acquire()\nlock.acquire()"
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 128 + signal.SIGTERM
    assert child.stdout.read() == "last\n"
