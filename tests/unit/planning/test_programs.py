from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

from ostoo_build.base import layout
from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.planning.cargo import Binary
from ostoo_build.planning.features import Selection
from ostoo_build.planning.programs import Programs
from ostoo_build.project.workspaces import ProgramGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ostoo_build.planning.workspace import Workspace

GROUPS = (
    ProgramGroup("user-rs", ("a", "b"), is_asked=True),
    ProgramGroup("kernel", ("k",), is_asked=False),
)


def binary(folder: str, name: str, asks: str = "") -> Binary:
    return Binary(name, name, Path(folder, name, "Cargo.toml"), asks)


class FakeWorkspace(Struct, frozen=True):
    """A workspace whose plans are texts; `edition` stands for the sources, `known` for what is remembered."""

    folder: str
    target: str
    names: tuple[str, ...]
    known: dict[str, str] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    snapshot: Snapshot = field(default_factory=Snapshot)
    goes: threading.Event | None = None

    def binaries(self) -> list[Binary]:
        return [binary(self.folder, name, asks=name[0]) for name in self.names]

    def remembered(self, what: str, wanted: Binary, profile: str) -> str | None:
        return self.known.get(f"{what} {wanted.name} {profile}{''.join(wanted.selected.words)}")

    def remembered_tests(self, wanted: Binary, profile: str) -> tuple[str, ...] | None:
        found = self.known.get(f"{wanted.name} tests {profile}") if wanted.name != "bad" else None
        return (found,) if found else None

    def plan(self, what: str, group: Sequence[Binary], profile: str) -> dict[str, str]:
        if self.goes:
            assert self.goes.wait(60)
        self.asked.append([each.name for each in group])
        if any(each.name == "bad" for each in group):
            raise OstooError("cargo refuses it")
        plans = {each.name: f"{each.name} for {self.target} {profile}" for each in group}
        words = "".join(group[0].selected.words)
        self.known.update({f"{what} {name} {profile}{words}": plan for name, plan in plans.items()})
        return plans

    def are_tests_refused(self, wanted: Binary, profile: str) -> bool:
        return f"{wanted.name} tests {profile}" in self.known and wanted.name == "bad"

    def plan_tests(self, group: Sequence[Binary], profile: str) -> dict[str, tuple[str, ...] | OstooError]:
        self.asked.append([each.name for each in group])
        named = {each.name: f"tests of {each.name} for {self.target}" for each in group}
        self.known.update({f"{name} tests {profile}": tests for name, tests in named.items()})
        return {name: OstooError("never run") if name == "bad" else (tests,) for name, tests in named.items()}


class Made:
    """Programs over workspaces, and those that were opened."""

    def __init__(
        self,
        names: dict[str, tuple[str, ...]],
        goes: threading.Event | None = None,
        selections: Mapping[str, Selection] | None = None,
    ) -> None:
        self.opened: dict[tuple[str, str], FakeWorkspace] = {}

        def find(group: ProgramGroup, target: str) -> Workspace:
            folder = group.folder
            assert (folder, target) not in self.opened, "it is opened once"
            self.opened[folder, target] = FakeWorkspace(folder, target, names[folder], goes=goes)
            return cast("Workspace", self.opened[folder, target])

        self.programs = Programs(GROUPS, find, "release", 2, selections or {})

    def plan(self, name: str, target: str) -> object:
        return self.programs.plan(name, target)


@pytest.fixture
def made() -> Made:
    return Made({"user-rs": ("xa", "xb", "y"), "kernel": ("kernel",)})


def test_a_program_is_found_by_its_name_whichever_workspace_has_it(made: Made) -> None:
    assert set(made.programs.binaries) == {"xa", "xb", "y", "kernel"}
    assert (made.programs.group_of("y"), made.programs.group_of("kernel")) == GROUPS
    assert set(made.opened) == {("user-rs", "a"), ("kernel", "k")}


def test_a_name_that_two_packages_have_is_no_programs() -> None:
    found = Made({"user-rs": ("x", "y"), "kernel": ("x",)}).programs
    assert [*found.binaries] == ["y"]
    assert [*found.refused] == ["x"]
    assert found.refused["x"].where == "user-rs/x/Cargo.toml\nkernel/x/Cargo.toml"


def test_the_name_of_a_folder_of_the_build_is_no_programs() -> None:
    found = Made({"user-rs": (layout.UNITS, "y"), "kernel": ()}).programs
    assert [*found.binaries] == ["y"]
    assert found.refused[layout.UNITS].what == "a program can't be called units, as a folder beside it is"


def test_a_program_is_planned_anew_with_the_features_that_are_selected(made: Made) -> None:
    made.programs.start_planning(made.programs.ids(["xa", "xb"]))
    made.programs.select("xa", Selection(("f",)))
    made.plan("xb", "a")
    made.plan("xa", "a")
    made.programs.select("xa", Selection(("f",)))
    made.plan("xa", "a")
    assert [sorted(each) for each in made.opened["user-rs", "a"].asked] == [["xa", "xb"], ["xa"]]
    assert made.programs.binaries["xa"].selected == Selection(("f",))


def test_the_description_may_select_what_no_package_has() -> None:
    names = {"user-rs": ("xa", "y"), "kernel": ()}
    assert Made(names, selections={"y": Selection(("dep/any",))}).programs.binaries["y"].selected.names == ("dep/any",)
    for selections, said in (
        ({"xb": Selection()}, ("ostoo.toml: programs.xb", "there is no program xb")),
        ({"y": Selection(("f",))}, ("ostoo.toml: programs.y.features", "there is no feature f")),
    ):
        with pytest.raises(OstooError) as caught:
            Made(names, selections=selections).programs.binaries  # noqa: B018 - finds it
        assert (caught.value.where, caught.value.what) == said


def test_programs_with_other_features_are_not_planned_together(made: Made) -> None:
    made.programs.select("xa", Selection((), default=False))
    made.programs.start_planning(made.programs.ids(["xa", "xb"]))
    made.plan("xb", "a")
    made.plan("xa", "a")
    assert sorted(made.opened["user-rs", "a"].asked) == [["xa"], ["xb"]]


def test_what_lacks_a_required_feature_is_not_available(made: Made) -> None:
    known = made.programs.binaries
    known["xa"] = replace(known["xa"], features={"f": ("g",), "g": ()}, required=("g",))
    assert made.programs.available(["xa", "xb"]) == ("xb",)
    assert known["xa"].lacking == ("g",)
    made.programs.select("xa", Selection(("f",)))
    assert made.programs.available(["xa", "xb"]) == ("xa", "xb")


def test_a_program_is_asked_for_with_each_of_its_targets(made: Made) -> None:
    assert made.programs.ids(["xa", "kernel"]) == {("xa", "a"), ("xa", "b"), ("kernel", "k")}


def test_programs_that_ask_the_same_are_planned_together(made: Made) -> None:
    made.programs.start_planning(made.programs.ids(["xa", "xb", "y"]))
    for target in "ab":
        assert made.plan("y", target) == f"y for {target} release"
        assert made.plan("xa", target) == f"xa for {target} release"
        groups = made.opened["user-rs", target].asked
        assert sorted(sorted(group) for group in groups) == [["xa", "xb"], ["y"]]


def test_what_is_remembered_is_not_planned(made: Made) -> None:
    made.programs.workspace(GROUPS[0], "a")
    made.opened["user-rs", "a"].known["plan y release"] = "remembered"
    assert made.plan("y", "a") == "remembered"
    assert made.opened["user-rs", "a"].asked == []


def test_parts_are_in_the_order_of_their_names_however_they_came_to_be_planned(made: Made) -> None:
    made.programs.workspace(GROUPS[0], "a")
    made.opened["user-rs", "a"].known[f"{layout.CHECK} y release"] = "remembered"
    made.programs.start_planning([("y", "a"), ("xb", "a"), ("xa", "a")], layout.CHECK)
    assert [*map(str, made.programs.parts)] == ["xa for a release", "xb for a release", "remembered"]


def test_nobody_waits_for_a_plan_before_he_asks_for_it() -> None:
    goes = threading.Event()
    made = Made({"user-rs": ("y",), "kernel": ()}, goes)
    made.programs.start_planning([("y", "a")])
    assert made.opened["user-rs", "a"].asked == []
    goes.set()
    assert made.plan("y", "a") == "y for a release"


def test_an_error_is_told_to_whoever_asks_for_that_program() -> None:
    made = Made({"user-rs": ("bad", "y"), "kernel": ()})
    made.programs.start_planning([("bad", "a"), ("y", "a")])
    assert made.plan("y", "a") == "y for a release"
    with pytest.raises(OstooError, match="cargo refuses it"):
        made.plan("bad", "a")


def test_plans_hold_as_long_as_they_would_be_made_again(made: Made) -> None:
    made.plan("y", "a")
    assert cast("object", made.programs.plan_tests("xa", "b")) == ("tests of xa for b",)
    assert made.programs.plans_hold()
    made.opened["user-rs", "b"].known["xa tests release"] = "other tests"
    assert not made.programs.plans_hold()
    made.opened["user-rs", "b"].known["xa tests release"] = "tests of xa for b"
    assert made.programs.plans_hold()
    made.opened["user-rs", "a"].known["plan y release"] = "another plan"
    assert not made.programs.plans_hold()


def test_tests_of_programs_that_declare_the_same_share_one_query() -> None:
    made = Made({"user-rs": ("xa", "bad", "xb", "y"), "kernel": ()})
    ids = [(name, "a") for name in ("xa", "bad", "xb", "y")]
    found = made.programs.plan_all_tests(ids)
    assert found.keys() == {id_ for id_ in ids if id_[0] != "bad"}
    assert cast("object", found["xb", "a"]) == ("tests of xb for a",)
    groups = made.opened["user-rs", "a"].asked
    assert sorted(name for group in groups for name in group) == ["bad", "xa", "xb", "y"]
    assert ["xa", "xb"] in groups
    made.programs.plan_all_tests(ids)
    assert len(groups) == 3, "what can't be planned is remembered too"
    with pytest.raises(OstooError, match="never run"):
        made.programs.plan_tests("bad", "a")


def test_tests_that_are_remembered_are_not_planned(made: Made) -> None:
    made.programs.workspace(GROUPS[0], "a")
    made.opened["user-rs", "a"].known["y tests release"] = "remembered"
    found: tuple[object, ...] = made.programs.plan_tests("y", "a")
    assert found == ("remembered",)
