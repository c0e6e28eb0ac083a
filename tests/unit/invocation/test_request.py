from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.invocation import request as build_request
from ostoo_build.invocation.request import Requested
from ostoo_build.planning.cargo import Binary

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.invocation.session import Session


@dataclass
class Programs:
    """The part of a session's programs that is asked here."""

    binaries: dict[str, Binary]

    def folder_of(self, name: str) -> str:
        return "kernel" if name == "kernel" else "user-rs"


@dataclass
class Asked:
    """The part of a session that is asked here."""

    root: Path
    programs: Programs
    targets_by_folder: dict[str, tuple[str, ...]]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Three programs, the second and third of one package that alone has a SConscript; and a kernel."""
    folders = {"cat-rs": "user-rs/cat-rs", "one": "user-rs/two", "other": "user-rs/two", "kernel": "kernel/kernel"}
    (tmp_path / "user-rs/two").mkdir(parents=True)
    (tmp_path / "user-rs/two/SConscript").touch()
    binaries = {name: Binary(name, "p", tmp_path / folder / "Cargo.toml", "0" * 64) for name, folder in folders.items()}
    return cast("Session", Asked(tmp_path, Programs(binaries), {"user-rs": ("a", "b"), "kernel": ("c",)}))


SCRIPT = ("user-rs/two/SConscript",)
USER = ("cat-rs", "one", "other")
ALL = (*USER, "kernel")


@pytest.mark.parametrize(
    ("targets", "programs", "scripts", "words", "deployed"),
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
    targets: list[str],
    programs: tuple[str, ...],
    scripts: tuple[str, ...],
    words: set[str],
    deployed: tuple[str, ...],
    session: Session,
) -> None:
    expected = Requested(programs, (), scripts, frozenset(words), deployed, ("a", "b"))
    assert build_request.read(targets, session) == expected


@pytest.mark.parametrize(
    ("targets", "programs", "tests", "scripts"),
    [
        (["other.tests"], (), ("other",), SCRIPT),
        (["cat-rs", "cat-rs.tests", "cat-rs.tests"], ("cat-rs",), ("cat-rs",), ()),
    ],
)
def test_tests_are_asked_for_by_their_programs_name(
    targets: list[str], programs: tuple[str, ...], tests: tuple[str, ...], scripts: tuple[str, ...], session: Session
) -> None:
    assert build_request.read(targets, session) == Requested(programs, tests, scripts, frozenset(), (), ("a", "b"))


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("cat-sr", "did you mean cat-rs?"),
        ("tset", "did you mean test?"),
        ("user-rs/cat-rs", "did you mean cat-rs?"),
        ("", "there are all, cat-rs, deploy, kernel, one, other, size-report, stack-report, std, sysroot, test"),
    ],
)
def test_an_unknown_target_is_told_with_the_nearest(target: str, remedy: str, session: Session) -> None:
    with pytest.raises(OstooError, match="there is no program") as caught:
        build_request.read(["cat-rs", target], session)
    assert str(caught.value) == f"error: there is no program {target}\n  help: {remedy}"
