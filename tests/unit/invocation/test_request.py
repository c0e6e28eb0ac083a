from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.invocation import request as build_request
from ostoo_build.invocation.request import Requested
from ostoo_build.invocation.targets import Targets
from ostoo_build.planning.cargo import Binary
from ostoo_build.planning.programs import Programs
from ostoo_build.project.workspaces import ProgramGroup

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.planning.workspace import Workspace


@dataclass(frozen=True)
class Place:
    """A workspace with programs, none of which anybody plans here."""

    found: tuple[Binary, ...]

    def binaries(self) -> tuple[Binary, ...]:
        return self.found


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    return Targets(
        tmp_path,
        (
            ProgramGroup("user-rs", ("a", "b"), is_asked=True),
            ProgramGroup("kernel", ("c",), is_asked=False, deploys=False),
        ),
    )


@pytest.fixture
def programs(tmp_path: Path, targets: Targets) -> Programs:
    """Three programs, the second and third of one package that alone has a SConscript; and a kernel."""
    folders = {"cat-rs": "user-rs/cat-rs", "one": "user-rs/two", "other": "user-rs/two", "kernel": "kernel/kernel"}
    (tmp_path / "user-rs/two").mkdir(parents=True)
    (tmp_path / "user-rs/two/SConscript").touch()

    def find(group: ProgramGroup, _target: str) -> Workspace:
        made = (
            (name, tmp_path / place / "Cargo.toml") for name, place in folders.items() if place.startswith(group.folder)
        )
        return cast("Workspace", Place(tuple(Binary(name, "p", manifest, "0" * 64) for name, manifest in made)))

    return Programs(targets.groups, find, "release", 1, {})


SCRIPT = ("user-rs/two/SConscript",)
USER = ("cat-rs", "one", "other")
ALL = (*USER, "kernel")


@pytest.mark.parametrize(
    ("asked", "named", "scripts", "words", "deployed"),
    [
        ([], ALL, SCRIPT, set(), ()),
        (["all"], ALL, SCRIPT, {"all"}, ()),
        (["deploy"], ALL, SCRIPT, {"deploy"}, USER),
        (["deploy", "cat-rs"], ("cat-rs",), (), {"deploy"}, ("cat-rs",)),
        (["deploy", "kernel"], ("kernel",), (), {"deploy"}, ("kernel",)),
        (["sysroot"], (), (), {"sysroot"}, ()),
        (["size-report"], ALL, SCRIPT, {"size-report"}, ()),
        (["stack-report", "cat-rs"], ("cat-rs",), (), {"stack-report"}, ()),
        (["other", "one", "one"], ("other", "one"), SCRIPT, set(), ()),
        (["build/x86_64-ostoo-user/release/cat-rs"], ("cat-rs",), (), set(), ()),
    ],
)
def test_only_what_is_asked_for_is_planned(  # noqa: PLR0917 - a row of the table
    asked: list[str],
    named: tuple[str, ...],
    scripts: tuple[str, ...],
    words: set[str],
    deployed: tuple[str, ...],
    programs: Programs,
    targets: Targets,
) -> None:
    expected = Requested(named, (), scripts, frozenset(words), deployed, ("a", "b"), is_all=len(named) == len(ALL))
    assert build_request.read(asked, programs, targets) == expected


@pytest.mark.parametrize(
    ("asked", "named", "tests", "scripts"),
    [
        (["other.tests"], (), ("other",), SCRIPT),
        (["cat-rs", "cat-rs.tests", "cat-rs.tests"], ("cat-rs",), ("cat-rs",), ()),
    ],
)
def test_tests_are_asked_for_by_their_programs_name(  # noqa: PLR0917 - a row of the table
    asked: list[str],
    named: tuple[str, ...],
    tests: tuple[str, ...],
    scripts: tuple[str, ...],
    programs: Programs,
    targets: Targets,
) -> None:
    assert build_request.read(asked, programs, targets) == Requested(
        named, tests, scripts, frozenset(), (), ("a", "b"), is_all=False
    )


def test_parts_of_a_program_are_asked_for_by_its_name(programs: Programs, targets: Targets) -> None:
    found = build_request.read(
        ["other.check", "cat-rs.scripts", "other.tests", "cat-rs.clippy", "other.check"], programs, targets
    )
    assert (found.tests, found.editors) == (("other",), ("cat-rs",))
    assert found.parts == (("check", "other"), ("clippy", "cat-rs"))
    assert (found.programs, found.scripts) == ((), SCRIPT)
    assert found.planned == {"plan": ("cat-rs",), "check": ("other",), "clippy": ("cat-rs",)}
    assert not found.is_all


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("cat-sr", "did you mean cat-rs?"),
        ("tset", "did you mean test?"),
        ("user-rs/cat-rs", "did you mean cat-rs?"),
        ("", "valid names: all, cat-rs, deploy, kernel, one, other, size-report, stack-report, std, sysroot, test"),
    ],
)
def test_an_unknown_target_is_told_with_the_nearest(
    target: str, remedy: str, programs: Programs, targets: Targets
) -> None:
    with pytest.raises(OstooError, match="there is no program") as caught:
        build_request.read(["cat-rs", target], programs, targets)
    assert str(caught.value) == f"error: there is no program {target}\n  help: {remedy}"
