"""What the verb makes of findings; what it finds is in tests/e2e/test_doctor_real.py."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import fake_toolchains as fake
import pytest

from ostoo_build.cli import doctor
from ostoo_build.start import health
from ostoo_build.start.finding import CHECKS, Finding, State, line

if TYPE_CHECKING:
    from pathlib import Path

OF_HEALTH = CHECKS[:3]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ostoo.toml").touch()
    monkeypatch.setattr(health, "findings", lambda: [Finding(name, State.OK, "1") for name in OF_HEALTH])
    return tmp_path


def found_by_others(root: Path, monkeypatch: pytest.MonkeyPatch, *findings: Finding, end: str = "exit 0") -> None:
    """Let the process of the other checks find this, and end so."""
    (root / "findings").write_bytes(b"".join(map(line, findings)))
    monkeypatch.setattr(sys, "executable", str(fake.script(root / "python", f"cat '{root}/findings' >&2", end)))


def all_are(state: State, but: Finding | None = None) -> list[Finding]:
    found = [Finding(name, state, "2") for name in CHECKS if name not in OF_HEALTH]
    return [but if but and but.check == each.check else each for each in found]


@pytest.mark.parametrize(("state", "code"), [(State.OK, 0), (State.WARNING, 0), (State.ERROR, 1), (State.NOT_RUN, 1)])
def test_the_exit_code_says_whether_a_build_would_work(
    state: State, code: int, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found_by_others(root, monkeypatch, *all_are(State.OK, Finding("disk", state)))
    assert doctor.perform(root, [], as_json=True) == code
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [each["check"] for each in checks] == [*CHECKS]
    assert next(each["state"] for each in checks if each["check"] == "disk") == state.value


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("echo ImportError: no >&2; exit 1", "ended with exit code 1: ImportError: no"),
        ("kill -SEGV $$", "ended by signal 11"),
        ("exit 0", "ended with exit code 0"),
    ],
)
def test_a_check_that_nobody_makes_is_named(
    end: str, how: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found_by_others(root, monkeypatch, *all_are(State.OK)[:2], end=end)
    assert doctor.perform(root, [], as_json=True) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    lost = [each for each in checks if each["state"] == "could not run"]
    assert [each["check"] for each in lost] == [*CHECKS[5:]]
    assert {each["problem"] for each in lost} == {f"what makes the checks {how}"}


def test_a_finding_is_shown_with_its_remedy_and_in_colours(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    bad = Finding("disk", State.ERROR, "1 B free", "it is\nfull", "remove\nfiles")
    found_by_others(root, monkeypatch, *all_are(State.OK, bad))
    doctor.perform(root, [], as_json=False)
    plain = capsys.readouterr().out
    assert plain.startswith("ok             python           1\n")
    assert (
        "error          disk             1 B free\n    it is\n    full\n    help: remove\n          files\nok  "
        in plain
    )
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    doctor.perform(root, [], as_json=False)
    coloured = capsys.readouterr().out
    assert "\x1b[1;91merror        \x1b[0m  disk" in coloured
    assert "    \x1b[1;96mhelp\x1b[0m: remove" in coloured


def test_the_variables_reach_the_checks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found_by_others(root, monkeypatch, *all_are(State.OK), end=f"echo \"$@\" > '{root}/asked'")
    doctor.perform(root, ["profile=dev"], as_json=True)
    assert (root / "asked").read_text() == f"-P -m ostoo_build.doctor {root} profile=dev\n"
