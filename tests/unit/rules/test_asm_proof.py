from __future__ import annotations

from typing import TYPE_CHECKING

import fake_toolchains as fake
import planned_trees as trees
import pytest
from msgspec import structs

from ostoo_build.actions.action import Action
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import asm_proof
from ostoo_build.rust.dep_info import DepInfo

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.base.paths import PathMap
    from ostoo_build.planning.planned_unit import CompileUnit

SOURCE = "user-rs/rt/src/lib.rs"
DATA = "user-rs/rt/data.bin"


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return trees.checkout(tmp_path)


@pytest.fixture
def unit(tmp_path: Path) -> CompileUnit:
    (found,) = trees.compiled(trees.planned(tmp_path, "hello-rs"), "ostoo_rt")
    return found


def prove(
    paths: PathMap,
    unit: CompileUnit,
    *declared: str,
    sees_no_others: bool = False,
    expanded: str | None = None,
    hides: bool = False,
) -> list[str]:
    inputs = tuple(Input(name, "1" * 64, 1, is_folder="." not in name) for name in declared)
    action = Action("Rustc", (), (("OUT_DIR", "@{root}/build/out"),), inputs, (), directory="user-rs")
    scene = asm_proof.AsmContext(action, unit, paths, paths, sees_no_others, expanded, hides)
    text = asm_proof.prove(DepInfo({"rt/src/lib.rs": ""}, {}), scene)
    return [entry.path for entry in asm_proof.taken(text)]


def write(paths: PathMap, name: str, text: str) -> None:
    fake.write(paths_root(paths) / name, text)


def paths_root(paths: PathMap) -> Path:
    return dict(paths.places)["root"]


def test_what_assembly_takes_in_is_told_with_what_that_includes(paths: PathMap, unit: CompileUnit) -> None:
    write(paths, SOURCE, 'global_asm!(".include \\"rt/a.s\\"");')
    write(paths, "user-rs/rt/a.s", '.incbin "rt/data.bin"')
    write(paths, DATA, "data")
    assert prove(paths, unit, SOURCE, "user-rs/rt/a.s", DATA) == ["user-rs/rt/a.s", DATA]


def test_a_file_of_a_fetched_package_is_its_folder(paths: PathMap, unit: CompileUnit) -> None:
    write(paths, SOURCE, 'global_asm!(".incbin \\"rt/data.bin\\"");')
    write(paths, DATA, "data")
    assert prove(paths, unit, SOURCE, "user-rs/rt") == ["user-rs/rt"]


def test_an_undeclared_file_is_refused_and_one_that_is_not_there_was_not_read(
    paths: PathMap, unit: CompileUnit
) -> None:
    write(paths, SOURCE, 'global_asm!(".incbin \\"rt/data.bin\\"");')
    assert prove(paths, unit, SOURCE) == []
    write(paths, DATA, "data")
    with pytest.raises(OstooError, match=r"the crate reads user-rs/rt/data\.bin, which is not among"):
        prove(paths, unit, SOURCE)


def test_a_name_that_can_not_be_known_is_refused_where_others_could_be_read(paths: PathMap, unit: CompileUnit) -> None:
    write(paths, SOURCE, '\nglobal_asm!(concat!(".incbin \\"", $file, "\\""));')
    with pytest.raises(OstooError, match="a macro creates") as caught:
        prove(paths, unit, SOURCE, DATA)
    assert caught.value.where == f"{SOURCE}:2"
    declared = (SOURCE, DATA, "user-rs/other/a.rs", "build/x/out/made.bin", "build/x/liba.rlib")
    taken = prove(paths, unit, *declared, sees_no_others=True)
    assert taken == [SOURCE, DATA, "build/x/out/made.bin"], "it may be any file that the unit saw"


def test_what_is_said_of_assembly_for_others_is_theirs(paths: PathMap, unit: CompileUnit) -> None:
    write(paths, SOURCE, 'println!(".incbin \\"{}\\"", path);')
    assert prove(paths, structs.replace(unit, kind=UnitKind.BUILD_SCRIPT), SOURCE) == []


def test_what_macros_put_together_is_read_once_they_are_expanded(paths: PathMap, unit: CompileUnit) -> None:
    write(paths, SOURCE, 'include_it!("incbin"); global_asm!(concat!(".incbin \\"", $file, "\\""));')
    write(paths, DATA, "data")
    expanded = 'global_asm! (".incbin \\"rt/data.bin\\"");'
    assert prove(paths, unit, SOURCE, DATA, expanded=expanded) == [DATA]
    with pytest.raises(OstooError, match=r"the crate reads user-rs/rt/data\.bin, which is not among"):
        prove(paths, unit, SOURCE, expanded=expanded)
    with pytest.raises(OstooError, match="a macro creates"):
        prove(paths, unit, SOURCE, DATA, expanded='asm!(".incbin \\"{0}\\"", const 5)')


def test_what_macros_may_put_together_unseen_is_all_that_the_unit_saw(paths: PathMap, unit: CompileUnit) -> None:
    write(paths, SOURCE, 'include_it!("incbin");')
    declared = (SOURCE, DATA, "user-rs/other/a.rs")
    assert prove(paths, unit, *declared) == []
    assert prove(paths, unit, *declared, sees_no_others=True, hides=True) == [SOURCE, DATA]
