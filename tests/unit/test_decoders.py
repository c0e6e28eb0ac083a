from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SITE_SCONS = Path(__file__).parents[2] / "site_scons"

THREADS = """
import sys, threading
import msgspec
from ostoo_build import decoders
from ostoo_build.plan import Program
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(8)
refused = []
def work():
    barrier.wait()
    try:
        decoders.decode(b"{}", Program)
    except msgspec.ValidationError as error:
        refused.append(error)
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(refused))
"""


@pytest.mark.parametrize("attempt", range(5))
def test_many_threads_may_decode_a_type_for_the_first_time(attempt: int) -> None:
    command = [sys.executable, "-P", "-c", THREADS]
    done = subprocess.run(command, env={"PYTHONPATH": str(SITE_SCONS)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "8\n"), (attempt, done.stderr)
