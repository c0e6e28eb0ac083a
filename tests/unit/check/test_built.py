from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import check_units as units

from ostoo_build.actions import compiler_output
from ostoo_build.actions.record import Record
from ostoo_build.base.paths import PathMap
from ostoo_build.check import built
from ostoo_build.planning.rustc_flags import UnitKind

if TYPE_CHECKING:
    from ostoo_build.planning.plan import Program

LIBRARY = units.checked("lib", UnitKind.LIBRARY)
PROGRAM = units.checked("bin", UnitKind.PROGRAM)
FAILED = units.checked("bad", UnitKind.LIBRARY)
NEVER = units.checked("never", UnitKind.PROGRAM)
STD = units.checked("core", UnitKind.LIBRARY, package="@{rust-src}/core")


def record(diagnostics: str = "") -> Record:
    return Record("0" * 64, {}, stdout=compiler_output.joined("[]", diagnostics))


def test_what_a_build_reached_is_told_once_with_what_it_made() -> None:
    plans = [SimpleNamespace(units=(STD, LIBRARY, PROGRAM)), SimpleNamespace(units=(LIBRARY, FAILED, NEVER))]
    ended = built.Build(
        paths=PathMap((("root", Path("/os")),)),
        records={
            LIBRARY.folder: record(units.line("w", "unused")),
            PROGRAM.folder: record(),
            STD.folder: record(units.line("w", "of std")),
        },
        failed={FAILED.folder: units.line("E0001", "is bad", file="@{root}/a.rs")},
        programs={PROGRAM.folder: "/os/build/x/release/bin", LIBRARY.folder: "/os/none"},
        done={PROGRAM.folder, FAILED.folder},
    )
    library, program, failed = built.collect(cast("list[Program]", plans), ended)
    assert (library.unit, library.is_made, library.executable, library.is_fresh) == (LIBRARY, True, "", True)
    assert [each["message"] for each in library.diagnostics] == ["unused"]
    executable = "/os/build/x/release/bin"
    assert (program.unit, program.is_made, program.executable, program.is_fresh) == (PROGRAM, True, executable, False)
    assert (failed.unit, failed.is_made) == (FAILED, False)
    assert failed.diagnostics[0]["spans"][0]["file_name"] == "/os/a.rs"
