from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base import become
from ostoo_build.base.errors import OstooError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_takes_the_place_of_this_process_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    script = (
        "import sys; from pathlib import Path; from ostoo_build.base import become; print('before');"
        "become.exec_program(['/bin/sh', '-c', 'pwd; exit 7'], cwd=Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "inner")]
    environment = {"PYTHONPATH": sys.path[0], "PATH": "/usr/bin:/bin"}
    environment["PYTHONPATH"] = str(next(path for path in sys.path if path.endswith("site_scons")))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, f"before\n{tmp_path}/inner\n", "")


@pytest.mark.parametrize(("program", "folder"), [("/no/such/program", "."), ("/bin/sh", "/no/such/folder")])
def test_what_can_not_be_started_is_told(
    program: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OstooError, match=f"can't start {program}: No such file or directory"):
        become.exec_program([program], cwd=tmp_path / folder)
