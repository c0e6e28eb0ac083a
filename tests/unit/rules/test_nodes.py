"""The nodes of a program as values: what comes before what, with a compiler that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import model_checkout as model
import pytest

from ostoo_build.rules import nodes, whole_program
from ostoo_build.rules.progress import Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from model_checkout import Invoked

    from ostoo_build.rules.nodes import Node

UNITS = "build/model/release/units/one-program"
PROGRAM = "build/model/release/one"


@pytest.fixture
def made(tmp_path: Path) -> Invoked:
    model.create(tmp_path / "checkout")
    checkout = model.checkout_at(tmp_path / "checkout")
    checkout.make_memos()
    return model.invoked(checkout, "off")


def of_program(made: Invoked, *, is_watched: bool = False, is_checked: bool = True) -> list[Node]:
    program = model.plan(made.planner.root)["one"]
    made.planner.units.update({unit.id: unit for unit in program.units})
    services = made.services
    action = whole_program.action(made.planner, services, program, None, services.look)
    wanted = Wanted(program, None, action, is_checked=is_checked)
    return list(nodes.of_program(made.planner, services, made.progress, wanted, is_watched=is_watched))


def after(found: list[Node], name: str) -> set[str]:
    (node,) = {node.name: node for node in found if node.name == name}.values()
    return set(node.after)


def test_each_node_comes_after_what_it_waits_for(made: Invoked) -> None:
    known: set[str] = set()
    for node in of_program(made):
        assert known.issuperset(node.after), node.name
        known.add(node.name)
    assert {PROGRAM, f"{PROGRAM}.debug"} < known


def test_a_library_waits_for_metadata_and_a_link_for_code(made: Invoked) -> None:
    found = of_program(made)
    base = "build/model/release/units/base-library"
    assert f"{base}/metadata" in after(found, "build/model/release/units/gen-library/metadata")
    assert f"{base}/action.json" in after(found, f"{UNITS}/action.json")
    assert after(found, f"{base}/action.json") == {f"{base}/metadata"}
    assert f"{base}/action.json" in after(found, f"{UNITS}/linked/action.json")


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_program_is_published_when_it_was_checked_and_never_waits_for_its_symbols(
    made: Invoked, *, is_watched: bool
) -> None:
    """Who watches waits for the program alone; else both links are made beside the check."""
    found = of_program(made, is_watched=is_watched)
    linked, check, unstripped = (f"{UNITS}/{name}/action.json" for name in ("linked", "check", "unstripped"))
    assert after(found, PROGRAM) == {linked, check}
    assert after(found, check) == {linked}
    assert after(found, unstripped) == ({linked, check} if is_watched else {linked})
    assert after(found, f"{PROGRAM}.debug") == {unstripped}


def test_without_a_contract_or_for_tests_nothing_is_checked(made: Invoked) -> None:
    assert after(of_program(made, is_checked=False), PROGRAM) == {f"{UNITS}/linked/action.json"}
    (made.planner.root / "targets/model.loader.json").unlink()
    assert after(of_program(made), PROGRAM) == {f"{UNITS}/linked/action.json"}


def test_nothing_is_done_before_it_was_made(made: Invoked) -> None:
    told = {node.description for node in of_program(made) if not node.is_done()}
    assert {"check model", "run gen", "link one", "link one.debug", "check one", f"publish {PROGRAM}"} < told
    assert not [description for description in told if description.startswith("remember")], "nobody wants to read that"
