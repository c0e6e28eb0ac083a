from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ostoo_build.base import layout
from ostoo_build.server import address

SITE_SCONS = Path(__file__).parents[3] / "site_scons"


def test_a_socket_is_named_by_what_decides_a_process_and_no_other_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    first = address.path("/a")
    assert first.startswith(f"{layout.SERVERS}/")
    monkeypatch.setenv("ANYTHING", "else")
    assert address.path("/a") == first
    assert address.path("/b") != first
    for name in ("PYTHONHASHSEED", "LC_ALL", "LD_PRELOAD", "HOME"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "another")
            assert address.path("/a") != first
    monkeypatch.setattr(sys, "executable", "/another/python")
    assert address.path("/a") != first


@pytest.mark.parametrize(("ci", "is_wanted"), [("", True), ("0", True), ("false", True), ("true", False), ("1", False)])
def test_ci_wants_no_server(ci: str, is_wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter
    monkeypatch.setenv("CI", ci)
    assert address.is_wanted(["hello-rs"]) is is_wanted


@pytest.mark.parametrize("word", ["server=off", "test", "--interactive", "--debug=pdb"])
def test_some_commands_want_no_server(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert address.is_wanted(["hello-rs", "server=on"])
    assert not address.is_wanted(["hello-rs", word])


def test_a_command_with_nothing_to_do_loads_nothing_for_it() -> None:
    begin = "import sys, __future__\nfrom ostoo_build.start import null_build\nbefore = set(sys.modules)\n"
    code = f"{begin}from ostoo_build.server import address\nprint(*set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code],
        env={"PYTHONPATH": str(SITE_SCONS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == {"ostoo_build.server", "ostoo_build.server.address"}
