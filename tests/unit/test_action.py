from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from ostoo_build.execution import action
from ostoo_build.execution.action import Action

ACTION = Action(
    "Rustc", ("@{rustc}", "a.rs"), (("A", "1"), ("B", "2")), (("a.rs", "0" * 64), ("b.rs", "1" * 64)), "2" * 64
)

CHANGES: dict[str, list[Any]] = {
    "mnemonic": ["Link"],
    "arguments": [("@{rustc}",), ("a.rs", "@{rustc}"), ("@{rustc} a.rs",)],
    "environment": [(("A", "1"),), (("A", "2"), ("B", "2")), (("A", "1"), ("C", "2"))],
    "inputs": [
        (("a.rs", "0" * 64),),
        (("a.rs", "3" * 64), ("b.rs", "1" * 64)),
        (("c.rs", "0" * 64), ("b.rs", "1" * 64)),
    ],
    "tools": ["3" * 64],
}


def test_every_field_has_its_changes() -> None:
    assert {field.name for field in fields(Action)} == set(CHANGES)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in CHANGES.items() for value in values])
def test_each_field_changes_the_key(field: str, value: Any) -> None:
    assert replace(ACTION, **{field: value}).key != ACTION.key


@pytest.mark.parametrize("field", ["environment", "inputs"])
def test_what_has_no_order_does_not_change_the_key_by_it(field: str) -> None:
    assert replace(ACTION, **{field: getattr(ACTION, field)[::-1]}).key == ACTION.key


def test_an_older_build_has_other_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ACTION.key
    monkeypatch.setattr(action, "KEY_VERSION", action.KEY_VERSION + 1)
    assert replace(ACTION).key != known
