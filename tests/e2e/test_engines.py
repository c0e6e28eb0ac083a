"""The servers that tests start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engines import wait_until
from tied import TIED

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
STARTS = """
import sys, time
from pathlib import Path
import engines, trees
with engines.running(["sleep", "1000"], Path(sys.argv[1])) as server:
    build = trees.Tree(Path(sys.argv[2]), "").start()
    print(server.pid, build.pid, flush=True)
    time.sleep(1000)
"""


def still_run(pids: list[int]) -> Iterator[int]:
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":  # nobody asked for it yet
            yield pid


def is_tied(pid: int) -> bool:
    """Whether it is what was asked for, and no more on its way there: while a program is loaded it has no words."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0] not in (b"", TIED[0].encode())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_tests_start_ends_with_them_however_they_end(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "site_scons/ostoo_scons").mkdir(parents=True)
    (tmp_path / "site_scons/ostoo_scons/start.py").write_text("import time\ntime.sleep(1000)\n")
    paths = (HERE, HERE.parent / "support", HERE.parents[1] / "site_scons")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", STARTS, str(tmp_path / "log"), str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout
        pids = [int(word) for word in runner.stdout.readline().split()]
        assert len(pids) == 2
        wait_until(lambda: all(map(is_tied, pids)))
        assert [*still_run(pids)] == pids
        runner.send_signal(number)
        runner.wait()
    wait_until(lambda: not [*still_run(pids)])
