"""What a program takes from the C library, with a compiler that is none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import model_checkout as model
import pytest
from msgspec.structs import replace

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Outcome
from ostoo_build.execution.job import Job
from ostoo_build.planning.planned_unit import RunBuildScript
from ostoo_build.rules import c_library, musl_sysroot

if TYPE_CHECKING:
    from pathlib import Path

    from model_checkout import Invoked

    from ostoo_build.planning.plan import Program

WHOLE, PART = "sysroot/model", "build/model/target-libc"
LACKS = "rust-lld: error: undefined symbol: l64a"
UNKNOWN = "rust-lld: error: undefined symbol: nobody_has_it"


class Libraries:
    """How often each library was made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made: list[str] = []

    def job(self, place: str) -> Job:
        folder = self.root / place

        def run() -> Outcome:
            self.made.append(place)
            (folder / "libc.a").write_text(place)
            return Outcome(("libc.a",))

        action = Action("MuslSysroot", (), (), (), (f"{place}/",))
        return Job(action, folder, place, "Providing", place, run, needed=True)


@pytest.fixture
def made(tmp_path: Path) -> Invoked:
    return begun(tmp_path / "checkout")


def begun(root: Path) -> Invoked:
    if not root.exists():
        model.create(root)
    checkout = model.checkout_at(root)
    checkout.make_memos()
    return model.invoked(checkout, "off")


@pytest.fixture(autouse=True)
def libraries(made: Invoked, monkeypatch: pytest.MonkeyPatch) -> Libraries:
    found = Libraries(made.planner.root)
    monkeypatch.setattr(musl_sysroot, "key", lambda *_: "")
    monkeypatch.setattr(musl_sysroot, "job", lambda *_: found.job(WHOLE))
    monkeypatch.setattr(musl_sysroot, "job_for_std", lambda *_: found.job(PART))
    return found


def program(made: Invoked) -> Program:
    """A program with std and without build scripts."""
    found = model.plan(made.planner.root)["one"]
    units = tuple(unit for unit in found.units if not isinstance(unit, RunBuildScript))
    return replace(found, uses_std=True, units=units)


def chosen(made: Invoked, wanted: Program | None = None) -> str:
    return c_library.of(made.planner, made.services, wanted or program(made)).folder


def test_where_no_sysroot_is_there_a_program_gets_the_part_for_std(made: Invoked) -> None:
    assert chosen(made) == PART


def test_a_sysroot_that_was_made_is_taken_and_made_again_if_need_be(made: Invoked, libraries: Libraries) -> None:
    made.services.engine.perform(libraries.job(WHOLE))
    library = made.planner.root / WHOLE / "libc.a"
    library.write_text("damaged")
    later = begun(made.planner.root)
    assert chosen(later) == WHOLE
    c_library.provide(later.services, c_library.of(later.planner, later.services, program(later)))
    assert library.read_text() == WHOLE


def test_a_sysroot_of_another_recipe_is_not_taken(
    made: Invoked, libraries: Libraries, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.services.engine.perform(libraries.job(WHOLE))
    other = replace(libraries.job(WHOLE), action=replace(libraries.job(WHOLE).action, version="other"))
    monkeypatch.setattr(musl_sysroot, "job", lambda *_: other)
    assert chosen(begun(made.planner.root)) == PART


def test_all_of_an_invocation_see_one_choice(made: Invoked, libraries: Libraries) -> None:
    assert chosen(made) == PART
    made.services.engine.perform(libraries.job(WHOLE))
    assert chosen(made) == PART


def test_what_may_see_the_difference_gets_the_whole(made: Invoked) -> None:
    mine = program(made)
    assert chosen(made, replace(mine, units=model.plan(made.planner.root)["one"].units)) == WHOLE
    unit = replace(mine.unit, arguments=(*mine.unit.arguments, "-Clink-arg=--undefined=l64a"))
    assert chosen(made, replace(mine, units=(*mine.units[:-1], unit))) == WHOLE
    spec = made.planner.root / "targets/model.json"
    spec.write_text(spec.read_text().replace("{", '{"post-link-args": {"gnu-lld": ["-u", "l64a"]}, ', 1))
    assert chosen(begun(made.planner.root)) == WHOLE


def test_other_providers_have_no_part(made: Invoked) -> None:
    sysroots = replace(made.services.sysroots, default="folder:musl")
    services = replace(made.services, sysroots=sysroots)
    assert c_library.of(made.planner, services, program(made)).folder == WHOLE


@pytest.mark.parametrize(
    "said",
    [
        LACKS,
        LACKS.replace("symbol", "hidden symbol"),
        LACKS.replace("symbol", "protected symbol"),
        f"{LACKS}\n>>> referenced by main.rs:7",
        f"{LACKS}@GLIBC_2.2.5",
        f"{UNKNOWN}\n{LACKS}",
        f"{UNKNOWN}\nrust-lld: error: too many errors emitted, stopping now (use --error-limit=0 to see all errors)",
    ],
)
def test_a_program_whose_link_lacks_a_symbol_gets_the_whole(said: str, made: Invoked, libraries: Libraries) -> None:
    mine = program(made)
    assert c_library.make_up(made.planner, made.services, mine, said)
    assert libraries.made == [WHOLE]
    assert chosen(made) == WHOLE
    assert chosen(made, replace(mine, name="two")) == PART
    assert not c_library.make_up(made.planner, made.services, mine, said), "it had all of it"


@pytest.mark.parametrize(
    "said",
    [
        "rust-lld: error: duplicate symbol: main",
        "rust-lld: error: too many errors emitted, stopping now",
        UNKNOWN,
        f"{UNKNOWN}\n>>> referenced by l64a.c",
        "rust-lld: error: undefined symbol: l64a_of_mine",
        "rust-lld: error: undefined symbol: malloc",
    ],
)
def test_another_mistake_makes_nothing(said: str, made: Invoked, libraries: Libraries) -> None:
    mine = program(made)
    assert not c_library.make_up(made.planner, made.services, mine, said)
    assert not c_library.make_up(made.planner, made.services, replace(mine, uses_std=False), LACKS)
    assert libraries.made == []
    assert chosen(made) == PART


def test_many_links_make_the_whole_once(made: Invoked, libraries: Libraries) -> None:
    barrier = threading.Barrier(8)

    def fail(name: str) -> bool:
        barrier.wait()
        return c_library.make_up(made.planner, made.services, replace(program(made), name=name), LACKS)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(fail, map(str, range(8))))
    assert libraries.made == [WHOLE]
