from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions.action import Action
from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.cli import why_miss

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = Input(".ostoo/toolchain", "2" * 64, 10, is_folder=True)
SOURCE, LIBRARY = Input("user-rs/a/src/lib.rs", "0" * 64, 1), Input("build/units/core/core.rmeta", "1" * 64, 1)
CORE = Action("Rustc", ("rustc", "-O"), (("CARGO_PKG_VERSION", "1"),), (), ("build/units/core/core.rmeta",), TOOLS)
CRATE = replace(CORE, inputs=(SOURCE, LIBRARY))
CHECK = Action("ElfCheck", ("a",), (), (), (), version="3" * 64)


def build(folder: Path, core: Action = CORE, crate: Action = CRATE, check: Action = CHECK) -> Path:
    """A checkout with three actions."""
    for action, results in ((core, "build/units/core"), (crate, "build/units/a"), (check, "build/check")):
        action_log.write(folder / layout.ACTIONS, action_log.entry(action, results, ""))
    return folder


def test_equal_builds_are_told_so(tmp_path: Path) -> None:
    said = why_miss.explain(build(tmp_path / "a"), build(tmp_path / "b"))
    assert said == "all 3 actions that both builds requested are equal\n"


CHANGES = [
    ({"crate": replace(CRATE, inputs=(SOURCE._replace(sha256="9" * 64), LIBRARY))}, "file user-rs/a/src/lib.rs"),
    ({"crate": replace(CRATE, inputs=(LIBRARY,))}, "file user-rs/a/src/lib.rs"),
    ({"crate": replace(CRATE, environment=(("CARGO_PKG_VERSION", "2"),))}, "env CARGO_PKG_VERSION"),
    ({"crate": replace(CRATE, environment=())}, "env CARGO_PKG_VERSION"),
    ({"crate": replace(CRATE, arguments=("rustc", "-g"))}, "argument 1"),
    ({"crate": replace(CRATE, arguments=("rustc", "-O", "-g"))}, "argument 2"),
    ({"crate": replace(CRATE, tools=TOOLS._replace(sha256="9" * 64))}, "rustc digest"),
    ({"check": replace(CHECK, version="9" * 64)}, "digest of this build's own source code"),
]


@pytest.mark.parametrize(("changed", "what"), CHANGES)
def test_the_difference_is_named_with_both_sides(changed: dict[str, Action], what: str, tmp_path: Path) -> None:
    first, second = build(tmp_path / "a"), build(tmp_path / "b", **changed)
    lines = why_miss.explain(first, second).splitlines()
    assert len(lines) == 3
    assert what in lines[0]
    assert lines[1].endswith(f"in {first}")
    assert lines[2].endswith(f"in {second}")
    assert lines[1].split("  in ")[0] != lines[2].split("  in ")[0]


def test_what_differs_because_of_another_difference_is_only_counted(tmp_path: Path) -> None:
    core = replace(CORE, arguments=("rustc", "-g"))
    crate = replace(CRATE, inputs=(SOURCE, LIBRARY._replace(sha256="9" * 64)))
    lines = why_miss.explain(build(tmp_path / "a"), build(tmp_path / "b", core, crate)).splitlines()
    assert lines[0] == "Rustc build/units/core: argument 1"
    assert lines[-1] == "1 more differ because of the outputs of these"


def test_a_folder_with_actions_is_as_good_as_a_checkout(tmp_path: Path) -> None:
    first = build(tmp_path / "a") / layout.ACTIONS
    assert "are equal" in why_miss.explain(first, build(tmp_path / "b"))


def test_what_was_not_built_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="no action log of a build here"):
        why_miss.explain(build(tmp_path / "a"), tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/x.json").write_text("{")
    with pytest.raises(OstooError, match="not the action log of a build"):
        why_miss.explain(build(tmp_path / "a"), tmp_path / "b")


def test_builds_of_other_programs_have_nothing_in_common(tmp_path: Path) -> None:
    action_log.write(tmp_path / "b", action_log.entry(CORE, "build/units/other", ""))
    with pytest.raises(OstooError, match="no action in common"):
        why_miss.explain(build(tmp_path / "a"), tmp_path / "b")


def test_an_action_with_a_place_of_any_length_is_written_down(tmp_path: Path) -> None:
    places = [f"build/{'x' * 200}/units/core-{number}" for number in range(2)]
    for folder in ("a", "b"):
        for place in places:
            action_log.write(tmp_path / folder / layout.ACTIONS, action_log.entry(CORE, place, ""))
    assert why_miss.explain(tmp_path / "a", tmp_path / "b").startswith("all 2 actions")


def test_it_is_told_how_the_second_build_decided(tmp_path: Path) -> None:
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    action_log.write(
        second / layout.ACTIONS,
        action_log.entry(replace(CORE, arguments=("rustc",)), "build/units/core", "run here: why not"),
    )
    assert why_miss.explain(first, second).splitlines()[2].endswith(f"in {second}, run here: why not")
