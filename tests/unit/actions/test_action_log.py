from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions.action import Action
from ostoo_build.base.input import Input

if TYPE_CHECKING:
    from pathlib import Path

ACTION = Action(
    mnemonic="Rustc",
    arguments=("@{rustc}", "a.rs"),
    environment=(("A", "1"),),
    inputs=(Input("a.rs", "0" * 64, 1),),
    outputs=("build/a",),
    tools=Input(".ostoo/toolchain", "2" * 64, 10, is_folder=True),
)


def test_an_action_is_read_as_its_key_saw_it(tmp_path: Path) -> None:
    action_log.write(tmp_path, ACTION, "build/units/a")
    ((name, entry),) = action_log.read(tmp_path).items()
    assert name == "Rustc-build-units-a"
    assert (entry.key, entry.results, entry.tools) == (ACTION.key, "build/units/a", "2" * 64)
    assert (entry.arguments, entry.environment, entry.inputs) == (ACTION.arguments, {"A": "1"}, {"a.rs": "0" * 64})


def test_the_last_action_of_a_folder_is_kept(tmp_path: Path) -> None:
    later = replace(ACTION, arguments=("@{rustc}", "b.rs"))
    for action in (ACTION, later):
        action_log.write(tmp_path, action, "build/units/a")
    action_log.write(tmp_path, ACTION, "build/units/b")
    assert [entry.key for entry in action_log.read(tmp_path).values()] == [later.key, ACTION.key]


def test_names_that_no_file_may_have_are_told_apart(tmp_path: Path) -> None:
    for end in "ab":
        action_log.write(tmp_path, ACTION, f"build/{'ü' * 200}{end}")
    assert len(action_log.read(tmp_path)) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b'{"mnemonic": 1}', b"\xff"])
def test_what_is_no_action_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "Rustc-a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        action_log.read(tmp_path)
