from __future__ import annotations

import sys
import time
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import fake_toolchains as fake
import planners
import pytest
from msgspec import Struct
from msgspec.structs import replace

from ostoo_build.actions import record as records
from ostoo_build.base import stamps
from ostoo_build.base.console import Console
from ostoo_build.base.errors import OstooError
from ostoo_build.invocation.checkout import Checkout
from ostoo_build.invocation.options import Options
from ostoo_build.planning.programs import Programs
from ostoo_build.rebuild import dependencies, null_build_note
from ostoo_build.rebuild.null_build_note import BuildResult
from ostoo_build.rebuild.process_start import ProcessStart
from ostoo_build.start import null_build
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ostoo_build.invocation.services import Services

SAID = "\x1b[1mwarning\x1b[0m: unused\n"
ASKED = ("3.11", "/python", ["greet"], b"environment")
SOURCE, PLACE, PROGRAM = "user-rs/greet/src/main.rs", "elsewhere/config.toml", "build/greet"


class FakeCargo(Struct, dict=True):
    """What cargo's configuration was when it was read first."""

    file: Path

    @cached_property
    def configuration_digest(self) -> str:
        return self.file.read_text()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BuildResult]:
    """A build that found its one program up to date, begun after all files were written."""
    root = tmp_path / "os"
    for path in (root / SOURCE, root / PROGRAM, tmp_path / PLACE, tmp_path / "config"):
        fake.write(path, path.name)
    known = dependencies.Dependencies(
        checkout=((str(root), ["build"]),),
        code=(),
        toolchain=(),
        crates=(),
        python=(str(tmp_path / "absent"),),
        tools=(),
        configuration=(str(tmp_path / PLACE),),
        elsewhere=(),
        declared=(),
        linked=(),
    )
    monkeypatch.setattr(dependencies, "is_known", lambda *_: True)
    monkeypatch.setattr(dependencies, "of", lambda _: known)
    monkeypatch.setattr(dependencies, "observed", lambda *_: dependencies.Observed((), (), ()))
    planner = planners.without_compiler(root, "greet")
    monkeypatch.setattr(toolchain, "find", lambda *_: planner.tools.toolchain)
    cargo = FakeCargo(tmp_path / "config")
    assert cargo.configuration_digest == "config"
    monkeypatch.setattr(Programs, "workspaces", property(lambda _: (SimpleNamespace(cargo=cargo),)))
    time.sleep(2 * stamps.TICK / 1e9)  # else the files are as good as changed while they were read
    process_start = ProcessStart(time.time_ns(), ASKED)
    checkout = Checkout(root, Console(colour=False, quiet=True))
    checkout.lock()
    programs = {root / PROGRAM: records.observe(root / PROGRAM)}
    yield BuildResult(process_start, checkout, Options({}), planner, cast("Services", None), programs, SAID)
    checkout.close()


def noted(made: BuildResult) -> list[str] | None:
    """What the next command of the same words is told, before SCons is loaded."""
    null_build_note.write(made, ["greet"])
    found = null_build.proof(str(made.checkout.root), ASKED)
    assert found is None or found.said == SAID
    return found.targets if found else None


def test_a_build_that_found_all_up_to_date_leaves_a_note(made: BuildResult) -> None:
    assert noted(made) == ["greet"]


@pytest.mark.parametrize("name", [SOURCE, f"../{PLACE}", PROGRAM, "../absent", "user-rs/new.rs"])
def test_the_note_names_all_that_decides(name: str, made: BuildResult) -> None:
    assert noted(made) == ["greet"]
    fake.write(made.checkout.root / name, "edited")
    assert null_build.proof(str(made.checkout.root), ASKED) is None


def test_what_was_observed_while_it_was_built_decides_too(made: BuildResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who observes is told what the walk through the trees came by already."""
    root = made.checkout.root
    far = root.parent / "far"
    walked: list[set[str]] = []

    def observed(_planner: object, _services: object, found: set[str]) -> dependencies.Observed:
        walked.append(found)
        return dependencies.Observed((), (), (str(far),))

    monkeypatch.setattr(dependencies, "observed", observed)
    assert noted(made) == ["greet"]
    assert str(root / SOURCE) in walked[0]
    fake.write(far, "")
    assert null_build.proof(str(root), ASKED) is None


def touch(name: str) -> Callable[[BuildResult], object]:
    return lambda made: (made.checkout.root / name).touch()


MEANWHILE: dict[str, Callable[[BuildResult], object]] = {
    "a source was touched": touch(SOURCE),
    "a single place was touched": touch(f"../{PLACE}"),
    "a file was added": lambda made: fake.write(made.checkout.root / "user-rs/new.rs", ""),
    "a file was taken away": lambda made: (made.checkout.root / SOURCE).unlink(),
    "the program was altered": lambda made: (made.checkout.root / PROGRAM).write_text("GREET"),
    "the configuration is another one": lambda made: (made.checkout.root.parent / "config").write_text("other"),
    "the program is gone": lambda made: (made.checkout.root / PROGRAM).unlink(),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_changed_during_the_build_is_true_of_no_note(what: str, made: BuildResult) -> None:
    MEANWHILE[what](made)
    assert noted(made) is None
    assert not (made.checkout.root / "build/.ostoo/null-builds").exists()


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    "another toolchain": lambda patch: patch.setattr(toolchain, "find", lambda *_: None),
    "what nobody knows": lambda patch: patch.setattr(dependencies, "is_known", lambda *_: False),
    "an extension of SCons": lambda patch: patch.setattr(sys, "path", [*sys.path, str(dependencies.EXTENSIONS[0])]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_no_stamp_tells_leaves_no_note(what: str, made: BuildResult, monkeypatch: pytest.MonkeyPatch) -> None:
    CHANGES[what](monkeypatch)
    assert noted(made) is None


@pytest.mark.parametrize("error", [OSError, OstooError("the toolchain is gone")])
def test_what_can_not_be_found_out_is_left_to_the_next_build(
    error: Any, made: BuildResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(toolchain, "find", fail)
    assert noted(made) is None


def test_scons_that_was_started_by_itself_leaves_no_note(made: BuildResult) -> None:
    assert noted(replace(made, process_start=ProcessStart(made.process_start.started))) is None


def test_where_the_file_systems_clock_is_behind_ours_nothing_is_noted(made: BuildResult) -> None:
    """The lock seems to have been taken before the process began: what the clock says of files means nothing."""
    assert noted(replace(made, process_start=ProcessStart(made.process_start.started + 10**10, ASKED))) is None


def test_what_was_written_since_the_process_began_is_not_known_to_be_what_was_read(made: BuildResult) -> None:
    assert noted(replace(made, process_start=ProcessStart(made.process_start.started - 10**10, ASKED))) is None
