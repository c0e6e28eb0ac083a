from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ostoo_build.base import deferred
from ostoo_build.base.errors import OstooError

SITE_SCONS = Path(__file__).parents[3] / "site_scons"

SCRIPT = """
from concurrent.futures import ThreadPoolExecutor
from ostoo_build.base import deferred as at_end

def last():
    with ThreadPoolExecutor() as pool:
        print(list(pool.map(str, (1, 2))))

at_end.register(last)
at_end.register(lambda: print("first"))
try:
    raise SystemExit(3)
finally:
    at_end.run()
    at_end.run()
"""


def test_what_is_left_is_done_once_while_threads_can_still_be_started() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={"PYTHONPATH": str(SITE_SCONS)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "first\n['1', '2']\n", "")


def test_work_for_the_next_build_comes_afterwards_in_order_and_once() -> None:
    done: list[str] = []
    deferred.register_afterwards(lambda: done.append("first"))
    deferred.register_afterwards(lambda: done.append("second"))
    deferred.run()
    assert done == []
    deferred.run_afterwards()
    deferred.run_afterwards()
    assert done == ["first", "second"]


@pytest.mark.parametrize("error", [OSError("the disk is full"), OstooError("a source is gone")])
def test_work_for_the_next_build_may_fail(error: Exception) -> None:
    done: list[str] = []

    def fail() -> None:
        raise error

    deferred.register_afterwards(fail)
    deferred.register_afterwards(lambda: done.append("the rest"))
    deferred.run_afterwards()
    assert done == ["the rest"]
