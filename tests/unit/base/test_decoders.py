from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import planned_trees
import pytest

SITE_SCONS = Path(__file__).parents[3] / "site_scons"

THREADS = """
import sys, threading
from pathlib import Path
from ostoo_build.base import decoders
from ostoo_build.planning.plan import Program
from ostoo_build.planning.answers import Memo
sys.setswitchinterval(1e-6)
data = Path(sys.argv[1]).read_bytes()
barrier = threading.Barrier(8)
found = []
def work():
    barrier.wait()
    found.append(decoders.decode(data, Memo[Program]).answer)
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), len(set(found)))
"""


@pytest.mark.parametrize("attempt", range(5))
def test_many_threads_may_decode_a_type_for_the_first_time(attempt: int, tmp_path: Path) -> None:
    memo: dict[str, object] = {
        "reads": {"contents": {}, "places": {}},
        "variables": {},
        "declared": "",
        "crates": [],
        "cfgs": [],
        "downloaded": [],
    }
    memo["answer"] = planned_trees.planned(tmp_path, "hello-std")
    (tmp_path / "memo.json").write_bytes(msgspec.json.encode(memo))
    command = [sys.executable, "-P", "-c", THREADS, str(tmp_path / "memo.json")]
    done = subprocess.run(command, env={"PYTHONPATH": str(SITE_SCONS)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "8 1\n"), (attempt, done.stderr)
