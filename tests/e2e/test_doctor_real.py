"""`ostoo doctor` finds each of many broken set-ups, and nothing in a sound one."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import broken_set_ups
import fake_toolchains as fake
import pytest
from broken_set_ups import SET_UPS, SetUp
from fake_reapi import FakeServer
from trees import copy_tree

from ostoo_build.start.finding import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.timeout(300)]


@pytest.fixture
def at(tmp_path: Path) -> Iterator[SetUp]:
    with ExitStack() as stack:
        yield broken_set_ups.of(tmp_path, copy_tree(tmp_path / "os", str(tmp_path / "cache")), stack)


class Said(NamedTuple):
    code: int
    checks: dict[str, dict[str, str]]
    stderr: str


def start(at: SetUp, *words: str) -> subprocess.CompletedProcess[str]:
    site = at.folder / "site"
    fake.write(site / "sitecustomize.py", at.patches)
    path = os.pathsep.join((*([str(site)] if at.patches else []), str(at.root / "site_scons")))
    command = [*at.prefix, *at.command, "doctor", *words, *at.words]
    environ = {**at.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=at.root, env=environ, capture_output=True, text=True, timeout=250, check=False)


def doctor(at: SetUp) -> Said:
    done = start(at, "--json")
    assert "Traceback" not in done.stderr, done.stderr
    document = json.loads(done.stdout)
    assert document["format"] == 1
    found = {each["check"]: each for each in document["checks"]}
    assert len(found) == len(document["checks"])
    assert set(found) == set(CHECKS)
    return Said(done.returncode, found, done.stderr)


OF_SMALL_MACHINES = {"disk", "memory", "watch"}
"""What may warn where these tests run."""


def test_a_sound_set_up_has_no_error_and_no_warning(at: SetUp) -> None:
    at.serve(FakeServer())
    at.words.append("remote_upload=on")
    fake.script(at.folder / "bin/qemu-system-x86_64", "echo QEMU emulator version 9.0")
    at.environ["PATH"] += f"{os.pathsep}{at.folder}/bin"
    said = doctor(at)
    assert [each for each in said.checks.values() if each["state"] not in ("ok", "warning")] == []
    assert {name for name, each in said.checks.items() if each["state"] != "ok"} <= OF_SMALL_MACHINES
    assert said.code == 0
    silent = {name for name, each in said.checks.items() if not each["value"]}
    assert silent == set()
    assert "a file was stored and read" in said.checks["remote-cache"]["value"]
    assert "nightly" in said.checks["toolchain"]["value"] or "project's own" in said.checks["toolchain"]["value"]


@pytest.mark.parametrize("name", SET_UPS)
def test_what_is_broken_is_found_with_a_remedy(name: str, at: SetUp) -> None:
    broken = SET_UPS[name]
    broken.breaks(at)
    said = doctor(at)
    finding = said.checks[broken.check]
    assert finding["state"] == broken.state, finding
    assert broken.message in finding["problem"], finding
    assert finding["remedy"] or broken.state == "could not run", finding
    assert said.code == int(any(each["state"] in ("error", "could not run") for each in said.checks.values()))


def test_there_are_many_set_ups_and_each_check_finds_one() -> None:
    assert len(SET_UPS) > 50
    found = {broken.check for broken in SET_UPS.values()}
    assert found == set(CHECKS)


def test_the_text_has_a_line_for_each_check_and_the_remedy_below(at: SetUp) -> None:
    at.words.append("cache_size=big")
    done = start(at)
    assert done.returncode == 1
    heads = [line.split() for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert [name for name in CHECKS if not any(name in head for head in heads)] == []
    place = done.stdout.index("error          cache\n")
    assert done.stdout[place:].startswith(
        "error          cache\n"
        "    'big' is not a valid size\n"
        "    help: write a whole number and one of B, KiB, MiB, GiB, such as 64 KiB\n"
    )


def test_outside_of_a_project_the_rest_is_checked(at: SetUp) -> None:
    at.command += ["-C", str(at.folder / "home")]
    said = doctor(at)
    assert said.code == 1
    assert said.checks["project"]["problem"].startswith("there is no ostoo.toml here or in a folder above")
    assert said.checks["toolchain"]["state"] == "could not run"
    assert said.checks["memory"]["state"] == "ok"


def test_what_needs_a_damaged_spec_could_not_run(at: SetUp) -> None:
    SET_UPS["a spec that is no JSON"].breaks(at)
    said = doctor(at)
    lost = {name: each["problem"] for name, each in said.checks.items() if each["state"] == "could not run"}
    assert lost == dict.fromkeys(("sysroot", "qemu", "gdb"), "it needs what the check `targets` has found broken")


def test_nothing_is_made_changed_or_fetched(at: SetUp) -> None:
    at.no_program()
    at.environ["RUSTUP_HOME"] = str(at.folder / "no-rustup")
    before = {path: path.lstat().st_mtime_ns for path in at.root.rglob("*") if "__pycache__" not in path.parts}
    assert doctor(at).code == 1
    after = {path: path.lstat().st_mtime_ns for path in at.root.rglob("*") if "__pycache__" not in path.parts}
    assert {path for path in after if before.get(path) != after[path]} <= {at.root}
    assert before.keys() == after.keys()


def test_without_a_python_that_is_new_enough_the_start_says_so(at: SetUp) -> None:
    place = at.no_program()
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"):
        fake.script(place / name, '[ "$1" = --version ] && echo Python 3.9.2', "exit 1")
    for name in ("dirname", "cmp"):
        (place / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        [at.root / "ostoo", "doctor"], cwd=at.root, env=at.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: this build needs Python 3.11 or newer; python3 here is: Python 3.9.2\n"
        "  help: install a newer python3, or put its folder first on PATH\n"
    )


def test_a_start_without_packages_installs_none(at: SetUp) -> None:
    at.command = [str(at.root / "ostoo")]
    at.environ["PIP_INDEX_URL"] = "http://127.0.0.1:9"
    said = doctor(at)
    assert said.code == 1
    assert not (at.root / ".venv").exists()
    assert said.checks["packages"]["state"] == "warning"
    assert "msgspec is missing" in said.checks["packages"]["problem"]
    assert said.checks["cache"]["state"] == "could not run"
