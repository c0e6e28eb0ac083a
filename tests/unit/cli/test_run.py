from __future__ import annotations

import os
from typing import TYPE_CHECKING

import planners
import pytest
from msgspec.structs import replace

from ostoo_build.base import own_files, process
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.cli.run import Runner
from ostoo_build.planning.programs import Programs
from ostoo_build.project.workspaces import ProgramGroup

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Programs for a target each, and one for two."""
    known = planners.without_compiler(tmp_path, "example", "kernel", "both", target="user")
    binaries = known.programs.binaries
    groups = {"example": ("user",), "kernel": ("bare",), "both": ("user", "other")}
    monkeypatch.setattr(Programs, "binaries", binaries)
    monkeypatch.setattr(Programs, "group_of", lambda _, name: ProgramGroup(".", groups[name], is_asked=False))
    monkeypatch.setattr(Runner, "planner", lambda _: known)
    return Runner(tmp_path, ["profile=size"], os.environ, Console(colour=False, quiet=True))


def test_programs_tests_and_reports_are_found_by_the_programs_own_target(runner: Runner) -> None:
    assert runner.path("example") == runner.root / "build/user/size/example"
    assert runner.path("kernel") == runner.root / "build/bare/size/kernel"
    assert runner.path("kernel.tests") == runner.root / "build/bare/size/kernel.tests"
    assert runner.reports("kernel") == runner.root / "build/reports/bare/size/kernel"


def test_of_several_targets_one_has_to_be_named(runner: Runner) -> None:
    with pytest.raises(OstooError, match="both is built for several targets") as caught:
        runner.path("both")
    assert caught.value.remedy == "name one of them: target=other"


def test_what_is_no_program_has_no_target(runner: Runner) -> None:
    with pytest.raises(OstooError, match="there is no program exampel") as caught:
        runner.target("exampel")
    assert "example" in caught.value.remedy


def test_builds_show_as_much_as_a_verb_is_asked_to(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def start(command: list[str], **_: object) -> int:
        started.append(command)
        return 0

    monkeypatch.setattr(process, "run_inherited", start)
    replace(runner, shown=("--verbose",)).attempt(["example"])
    assert started == [own_files.build_command(["profile=size", "--verbose", "example"])]
