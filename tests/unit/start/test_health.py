"""What it finds in environments that are really broken is in tests/e2e/test_doctor_real.py."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ostoo_build.base import installed_packages, own_files
from ostoo_build.start import health
from ostoo_build.start.finding import State

if TYPE_CHECKING:
    import pytest

SITE_SCONS = Path(health.__file__).parents[2]


def test_the_environment_of_these_tests_is_sound() -> None:
    found = {finding.check: finding for finding in health.findings()}
    assert [*found] == ["python", "packages", "scons"]
    assert {finding.state for finding in found.values()} == {State.OK}
    assert found["python"].value == f"{sys.version.split()[0]}, {sys.executable}"
    pins = own_files.requirements().read_text().count("==")
    assert found["packages"].value == f"{pins} of {pins}, {sys.prefix}"
    assert found["scons"].value == metadata.version("scons")


def test_an_old_python_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    found = next(iter(health.findings()))
    assert (found.state, found.problem) == (State.ERROR, "Python 3.11 or newer is needed")


def test_an_installed_build_may_lack_what_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name in ("grpcio", "msgspec"):
            raise metadata.PackageNotFoundError(name)
        return known(name)

    known, pinned = metadata.version, own_files.requirements()
    monkeypatch.setattr(own_files, "requirements", lambda: pinned)
    monkeypatch.setattr(own_files, "is_installed", lambda: True)
    monkeypatch.setattr(metadata, "requires", lambda _: ["msgspec==0", 'grpcio==1; extra == "remote"'])
    monkeypatch.setattr(metadata, "version", version)
    _, packages, _ = health.findings()
    assert packages.state is State.ERROR
    assert packages.problem == "msgspec is missing"
    assert packages.remedy.startswith("install them again: ")


def test_a_check_that_fails_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_threads(_: Path) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(installed_packages, "damaged_in", no_threads)
    python, packages, scons = health.findings()
    assert (python.state, packages.state, scons.state) == (State.OK, State.ERROR, State.OK)
    assert packages.problem == """this can't be checked: RuntimeError("can't start new thread")"""


def test_it_needs_no_package() -> None:
    """Nor does the verb that shows what it finds."""
    said = "import sys, ostoo_build.cli.doctor, ostoo_build.cli.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", said],
        env={"PYTHONPATH": str(SITE_SCONS)},
        capture_output=True,
        text=True,
        check=True,
    )
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert tops <= {*sys.stdlib_module_names, "ostoo_build", "__main__", "__mp_main__"}
