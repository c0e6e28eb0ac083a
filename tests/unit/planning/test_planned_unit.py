from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.planning import planned_unit
from ostoo_build.planning.plan import Program
from ostoo_build.planning.planned_unit import CompileUnit, Extern, RunBuildScript
from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.planning.planned_unit import Unit

COMMON: dict[str, Any] = {
    "id": "a-1",
    "label": "a v0.1.0",
    "package": "user-rs/a",
    "folder": "build/host/release/units/a-1",
    "directory": "user-rs",
    "is_std": False,
    "target": "",
    "environment": (("A", "1"),),
    "runs": ("below-1",),
    "read_runs": ("own-1", "below-1"),
    "extra_inputs": (),
}
LIBRARY = CompileUnit(
    **COMMON,
    kind=UnitKind.LIBRARY,
    is_incremental=False,
    arguments=("a.rs",),
    externs=(Extern("core-1", "core", noprelude=True, is_private=False),),
    libraries=("core-1",),
    run="own-1",
    takes_libraries=True,
    outputs=("rmeta/liba.rmeta", "rlib/liba.rlib"),
)
RUN = RunBuildScript(**COMMON, targets=(), script="script-1", links="z")


def test_a_unit_waits_for_each_that_it_reads_once() -> None:
    assert LIBRARY.prerequisites == ("core-1", "own-1", "below-1")
    assert RUN.prerequisites == ("script-1", "below-1", "own-1")
    assert replace(RUN, script="").prerequisites == ("below-1", "own-1"), "the configuration says its words"


@pytest.mark.parametrize(
    ("reader", "of", "part"),
    [
        (UnitKind.LIBRARY, UnitKind.LIBRARY, "metadata"),
        (UnitKind.PROGRAM, UnitKind.LIBRARY, "action.json"),
        (UnitKind.PROC_MACRO, UnitKind.LIBRARY, "action.json"),
        (UnitKind.LIBRARY, UnitKind.PROC_MACRO, "action.json"),
    ],
)
def test_only_a_library_does_with_the_metadata_of_another(reader: UnitKind, of: UnitKind, part: str) -> None:
    library = replace(LIBRARY, kind=of)
    assert replace(LIBRARY, kind=reader).read_of(library) == f"{library.folder}/{part}"
    assert RUN.read_of(library) == library.record
    assert LIBRARY.read_of(RUN) == RUN.record


def test_a_plans_file_tells_what_is_compiled_from_what_is_run(tmp_path: Path) -> None:
    program = trees.planned(tmp_path, "hello-std")
    known = msgspec.json.decode(msgspec.json.encode(program), type=Program)
    assert known == program
    assert list(map(type, known.units)) == list(map(type, program.units))
    assert {type(unit) for unit in known.units} == {CompileUnit, RunBuildScript}
    assert type(known.unit) is CompileUnit


def test_what_is_run_is_not_taken_for_a_crate() -> None:
    assert planned_unit.compiled(LIBRARY) is LIBRARY
    assert planned_unit.run(RUN) is RUN
    with pytest.raises(TypeError, match="a-1 is run, not compiled"):
        planned_unit.compiled(RUN)
    with pytest.raises(TypeError, match="a-1 is compiled, not run"):
        planned_unit.run(LIBRARY)


@pytest.mark.parametrize(
    ("unit", "own"),
    [(replace(LIBRARY, run=None), ("core-1",)), (LIBRARY, ("core-1", "own-1")), (RUN, ("script-1",))],
)
def test_runs_whose_words_it_hears_come_before_those_whose_files_it_reads(unit: Unit, own: tuple[str, ...]) -> None:
    assert replace(unit, runs=("words-1",), read_runs=()).prerequisites == (*own, "words-1")
    assert replace(unit, runs=(), read_runs=("files-1",)).prerequisites == (*own, "files-1")


@pytest.mark.parametrize(
    ("noprelude", "is_private", "options"),
    [(False, False, ()), (False, True, ("priv",)), (True, False, ("noprelude", "nounused"))],
)
def test_a_crate_is_named_with_the_options_that_cargo_gives(
    options: tuple[str, ...], *, noprelude: bool, is_private: bool
) -> None:
    assert Extern("core-1", "core", noprelude=noprelude, is_private=is_private).options == options
    assert Extern("core-1", "core", noprelude=True, is_private=True).options == ("priv", "noprelude", "nounused")
