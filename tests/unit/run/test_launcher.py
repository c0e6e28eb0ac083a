from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.run.launcher import Launch, LocalLauncher, RunResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STARTER = (sys.executable, "-c")
ENV = {"PATH": os.environ["PATH"], "OWN": "theirs"}


def launch(folder: Path, code: str, *, limit: float = 60, shows_output: bool = False) -> Launch:
    return Launch((code,), {"OWN": "ours"}, folder, limit, shows_output)


def ends(launches: Sequence[Launch], jobs: int = 2) -> list[RunResult]:
    found = dict(LocalLauncher(STARTER, ENV, jobs).run(launches))
    return [found[index] for index in range(len(launches))]


def test_each_run_has_its_own_end(tmp_path: Path) -> None:
    codes = [f"import sys; print({index}); sys.exit({index})" for index in range(7)]
    found = ends([launch(tmp_path, code) for code in codes])
    assert [(end.code, end.stdout) for end in found] == [(index, f"{index}\n".encode()) for index in range(7)]


def test_a_run_has_its_folder_and_environment(tmp_path: Path) -> None:
    (end,) = ends([launch(tmp_path, "import os, sys; print(os.getcwd(), os.environ['OWN'], file=sys.stderr)")])
    assert end.stderr.decode() == f"{tmp_path} ours\n"


def test_a_run_whose_time_is_over_leaves_what_it_wrote(tmp_path: Path) -> None:
    late, good = ends(
        [
            launch(tmp_path, "import time; print('begun', flush=True); time.sleep(3600)", limit=2),
            launch(tmp_path, "print('good')"),
        ]
    )
    assert (late.code, late.stdout) == (None, b"begun\n")
    assert (good.code, good.stdout) == (0, b"good\n")


def test_a_run_on_the_terminal_leaves_no_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    launches = [launch(tmp_path, f"print({index})", shows_output=True) for index in range(3)]
    assert [(end.code, end.stdout) for end in ends(launches)] == [(0, b"")] * 3
    assert capfd.readouterr().out == "0\n1\n2\n"
    (late,) = ends([launch(tmp_path, "import time; time.sleep(3600)", limit=0.5, shows_output=True)])
    assert late.code is None


@pytest.mark.parametrize("shows_output", [False, True])
def test_what_cannot_be_started_is_told(shows_output: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    one = Launch((str(tmp_path / "nothing"),), {}, tmp_path, 60, shows_output)
    with pytest.raises(OstooError, match=r"can't start .*nothing"):
        dict(LocalLauncher((), ENV, 1).run([one]))
