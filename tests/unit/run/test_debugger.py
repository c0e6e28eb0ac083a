from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.run import debugger

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def x86_64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")


def test_this_machines_gdb_serves_programs_that_run_here(tmp_path: Path) -> None:
    gdb = fake.script(tmp_path / "gdb")
    assert debugger.find("EM_X86_64", str(tmp_path)) == str(gdb)
    with pytest.raises(OstooError, match="no gdb for EM_AARCH64 was found"):
        debugger.find("EM_AARCH64", str(tmp_path))


def test_the_gdb_for_all_machines_is_preferred(tmp_path: Path) -> None:
    fake.script(tmp_path / "gdb")
    every = fake.script(tmp_path / "gdb-multiarch")
    for machine in ("EM_X86_64", "EM_AARCH64"):
        assert debugger.find(machine, str(tmp_path)) == str(every)
