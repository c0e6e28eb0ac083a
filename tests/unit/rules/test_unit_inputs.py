from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import planned_trees as trees
import planners
import pytest
from msgspec import structs

from ostoo_build.base.errors import OstooError
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.rules import unit_inputs

if TYPE_CHECKING:
    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.planning.planned_unit import CompileUnit

BUILT = "../../build/x86_64-ostoo-user/release"


@pytest.fixture
def unit(tmp_path: Path) -> CompileUnit:
    return trees.planned(tmp_path, "hello-rs").unit


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return trees.checkout(tmp_path)


@pytest.fixture
def planner(paths: PathMap) -> Planner:
    return planners.without_compiler(Path(paths.root), "greet", target="x86_64-ostoo-user", paths=paths)


@pytest.mark.parametrize(
    "words",
    [("-Cprofile-use=pgo/a.profdata",), ("-C", "profile_use=pgo/a.profdata"), ("-Zprofile-sample-use=pgo/a.profdata",)],
)
def test_a_profile_that_rustc_reads_is_an_input(words: tuple[str, ...], unit: CompileUnit, paths: PathMap) -> None:
    found = unit_inputs.declared_files(paths, structs.replace(unit, arguments=(*unit.arguments, *words)))
    assert found == [Path(paths.root) / "user-rs/pgo/a.profdata"], "relative names are those of cargo's folder"
    outside = structs.replace(unit, arguments=("-Cprofile-use=/elsewhere/a.profdata",))
    with pytest.raises(OstooError, match="outside of the checkout"):
        unit_inputs.declared_files(paths, outside)


def test_of_the_whole_checkout_a_script_is_told_what_people_write_there(paths: PathMap) -> None:
    for name in ("note.txt", "empty/.keep", "build/x/out.o", "sysroot/x/lib/libc.a", ".git/HEAD", "user-rs/.hidden"):
        trees.write(Path(paths.root) / name, "")
    (Path(paths.root) / "empty/.keep").unlink()
    found = {entry.path for entry in unit_inputs.reported(paths, (".", ".git/HEAD"), Snapshot())}
    assert {"note.txt", "empty", "user-rs/.hidden", ".git/HEAD"} < found
    assert not any(path.startswith(("build/", "sysroot/")) for path in found)


def test_what_a_script_may_ask_for_and_is_no_file_is_one_digest(tmp_path: Path, paths: PathMap) -> None:
    run = structs.replace(trees.runs(trees.planned(tmp_path, "hello-std"))[0], package="user-rs/rt")
    root = Path(paths.root)
    trees.write(root / "user-rs/rt/src/lib.rs", "")
    nothing = unit_inputs.asked_for(paths, run, (), Snapshot())
    absent = unit_inputs.asked_for(paths, run, ("user-rs/rt/absent", "other"), Snapshot())
    assert unit_inputs.asked_for(paths, run, ("other", "user-rs/rt/absent", "other"), Snapshot()) == absent, (
        "order is none"
    )
    assert unit_inputs.reported(paths, ("user-rs/rt/absent", "other"), Snapshot()) == (), (
        "what is not there is no input"
    )
    digests = {nothing, absent, unit_inputs.asked_for(paths, run, ("other",), Snapshot())}
    (root / "other").symlink_to("lib.rs")
    digests.add(unit_inputs.asked_for(paths, run, ("other",), Snapshot()))
    for goal in ("src/lib.rs", "src"):
        (root / "user-rs/rt/link").unlink(missing_ok=True)
        (root / "user-rs/rt/link").symlink_to(goal)
        digests.add(unit_inputs.asked_for(paths, run, (), Snapshot()))
    assert len(digests) == 6
    assert "" not in digests, "what earlier versions kept of a script's run is not taken over"


def test_of_a_package_that_nobody_edits_a_script_asks_for_what_its_folder_holds(tmp_path: Path, paths: PathMap) -> None:
    program = trees.planned(tmp_path, "hello-std")
    fetched = structs.replace(trees.runs(program)[0], package="@{cargo-home}/registry/src/a-1.0.0")
    assert unit_inputs.asked_for(paths, fetched, (), Snapshot()) == ""
    crate = structs.replace(program.unit, package="user-rs/hello-std")
    assert unit_inputs.asked_for(paths, crate, (), Snapshot()) == ""


def test_a_program_among_the_declared_inputs_is_known_by_its_name(unit: CompileUnit, planner: Planner) -> None:
    both = structs.replace(unit, extra_inputs=(f"{BUILT}/greet", f"{BUILT}/greet.debug", "../shared"))
    greet = ("greet", "x86_64-ostoo-user")
    folder = planner.root / "build/x86_64-ostoo-user/release"
    assert unit_inputs.makers(planner, both) == {folder / "greet": greet, folder / "greet.debug": greet}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"{BUILT}/other", "only programs can be named"),
        (f"{BUILT}/units/a/b", "only programs can be named"),
        ("../../build/other/release/greet", "only programs can be named"),
        ("../../build/x86_64-ostoo-user/dev/greet", "of the profile release only"),
        ("../../build/greet", "only programs can be named"),
    ],
)
def test_any_other_file_in_build_is_refused(name: str, why: str, unit: CompileUnit, planner: Planner) -> None:
    with pytest.raises(OstooError, match="no step makes the declared input build/") as caught:
        unit_inputs.makers(planner, structs.replace(unit, extra_inputs=(name,)))
    assert why in caught.value.remedy
