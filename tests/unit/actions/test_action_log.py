from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from ostoo_build.actions import action_log
from ostoo_build.actions.action import Action
from ostoo_build.base import digest
from ostoo_build.base.input import Input
from ostoo_build.base.state_file import FORMAT

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

CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"arguments": ("@{rustc}", "b.rs")}, "argument 1"),
    ({"environment": (("A", "2"),)}, "env A"),
    ({"inputs": (Input("a.rs", "1" * 64, 1),)}, "file a.rs"),
    ({"inputs": (*ACTION.inputs, Input("b.rs", "1" * 64, 1))}, "file b.rs"),
    ({"tools": None}, "rustc digest (the toolchain with std's source)"),
    ({"inputs": (Input("a.rs", "0" * 64, 1, executable=True),)}, "file a.rs"),
    ({"inputs": (Input("a.rs", "0" * 64, 1, is_folder=True),)}, "file a.rs"),
    (
        {"tools": Input(".ostoo/toolchain", "3" * 64, 10, is_folder=True)},
        "rustc digest (the toolchain with std's source)",
    ),
    ({"version": "3" * 64}, "digest of this build's own source code"),
    ({"directory": "user-rs"}, "working directory"),
    ({"outputs": ("build/a", "build/b")}, "outputs"),
    ({"salt": (("host", "one"),)}, "salt host"),
    ({}, ""),
]


def test_an_action_is_read_as_its_key_saw_it(tmp_path: Path) -> None:
    action_log.write(tmp_path, action_log.entry(ACTION, "build/units/a", "run here"))
    ((name, entry),) = action_log.read(tmp_path).items()
    assert name == "Rustc-build-units-a"
    assert (entry.key, entry.results, entry.tools) == (ACTION.key, "build/units/a", "2" * 64)
    assert entry.decided == "run here"
    assert (entry.arguments, entry.inputs) == (ACTION.arguments, {"a.rs": "0" * 64})
    assert (entry.environment, entry.shown) == ({"A": digest.of_bytes(b"1")}, {"A": "1"})


def test_a_value_of_the_users_environment_is_told_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    action_log.write(tmp_path / "one", action_log.entry(ACTION, "a", "run here"))
    monkeypatch.setenv("A", "a secret")
    secret = replace(ACTION, environment=(("A", "a secret"),))
    action_log.write(tmp_path / "two", action_log.entry(secret, "a", "run here"))
    assert b"a secret" not in next((tmp_path / "two").glob("*.json")).read_bytes()
    (one,), (two,) = (action_log.read(tmp_path / name).values() for name in ("one", "two"))
    (found,) = (each for each in action_log.differences(one, two) if each.what == "env A")
    assert (found.first, found.second) == ("1", digest.of_bytes(b"a secret"))
    action_log.write(tmp_path / "one", action_log.entry(secret, "a", "run here"))
    (one,) = action_log.read(tmp_path / "one").values()
    assert list(action_log.differences(one, two)) == []


def test_the_last_action_of_a_folder_is_kept(tmp_path: Path) -> None:
    later = replace(ACTION, arguments=("@{rustc}", "b.rs"))
    for action in (ACTION, later):
        action_log.write(tmp_path, action_log.entry(action, "build/units/a", ""))
    action_log.write(tmp_path, action_log.entry(ACTION, "build/units/b", ""))
    assert [entry.key for entry in action_log.read(tmp_path).values()] == [later.key, ACTION.key]


@pytest.mark.parametrize(("changed", "what"), CHANGES)
def test_what_was_put_aside_tells_what_has_changed(changed: dict[str, Any], what: str, tmp_path: Path) -> None:
    first = action_log.entry(ACTION, "build/units/a", "run here")
    assert action_log.begin(tmp_path, first) is None
    action_log.write(tmp_path, first)
    later = action_log.entry(replace(ACTION, **changed), "build/units/a", "run here")
    former = action_log.begin(tmp_path, later)
    assert former == first
    assert [each.what for each in action_log.differences(former, later)] == ([what] if what else [])
    action_log.write(tmp_path, later)
    assert len(action_log.read(tmp_path)) == 1, "what was put aside is no action of this build"


def test_whatever_an_action_consists_of_can_be_what_has_changed() -> None:
    """The name of the entry has the mnemonic."""
    assert {name for changed, _ in CHANGES for name in changed} == {*Action.__struct_fields__} - {"mnemonic"}


def test_names_that_no_file_may_have_are_told_apart(tmp_path: Path) -> None:
    for end in "ab":
        action_log.write(tmp_path, action_log.entry(ACTION, f"build/{'ü' * 200}{end}", ""))
    assert len(action_log.read(tmp_path)) == 2


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": %d, "mnemonic": 1}' % FORMAT, b"\xff"])
def test_what_is_no_action_is_told(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "Rustc-a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        action_log.read(tmp_path)


def test_all_that_differs_is_told_in_order_with_what_each_has(tmp_path: Path) -> None:
    other = replace(
        ACTION,
        arguments=("@{rustc}",),
        environment=(("B", "2"), ("0", "3")),
        inputs=(Input("b.rs", "1" * 64, 1),),
    )
    entries: list[action_log.Entry] = []
    for name, action in (("a", ACTION), ("b", other)):
        action_log.write(tmp_path / name, action_log.entry(action, "build/a", ""))
        entries += action_log.read(tmp_path / name).values()
    assert [(each.what, each.first, each.second) for each in action_log.differences(*entries)] == [
        ("argument 1", "a.rs", ""),
        ("env 0", "", "3"),
        ("env A", "1", ""),
        ("env B", "", "2"),
        ("file a.rs", "0" * 64, ""),
        ("file b.rs", "", "1" * 64),
    ]


def test_a_damaged_entry_tells_nothing(tmp_path: Path) -> None:
    action_log.write(tmp_path, action_log.entry(ACTION, "build/a"))
    (last,) = tmp_path.glob("*.json")
    last.write_bytes(b"{")
    assert action_log.begin(tmp_path, action_log.entry(ACTION, "build/a")) is None


def test_a_file_that_is_not_read_is_known(tmp_path: Path) -> None:
    entry = action_log.entry(replace(ACTION, inputs=(*ACTION.inputs, Input("d.rs", "2" * 64, 1))), "build/a")
    action_log.write(tmp_path, replace(entry, unread={"b.rs": "1" * 64}, unsure=("d.rs",)))
    (entry,) = action_log.read(tmp_path).values()
    assert entry.unread == {"b.rs": "1" * 64}
    assert [entry.reads(name) for name in ("a.rs", "b.rs", "c.rs", "d.rs")] == [True, False, False, False]
    assert [entry.states(name) for name in ("a.rs", "b.rs", "c.rs")] == ["0" * 64, "1" * 64, ""]
