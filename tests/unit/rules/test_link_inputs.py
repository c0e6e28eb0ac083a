"""What a real linker reads is tried in tests/e2e/test_link_inputs_real.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import planned_trees as trees
import pytest
from msgspec.structs import replace

from ostoo_build.actions.action import Action
from ostoo_build.actions.outcome import Finished
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.snapshot import Snapshot
from ostoo_build.binary import ar
from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rules import link_inputs, link_proof, unit_inputs

if TYPE_CHECKING:
    from ostoo_build.base.paths import PathMap
    from ostoo_build.invocation.planner import Planner
    from ostoo_build.invocation.services import Services
    from ostoo_build.invocation.targets import Targets
    from ostoo_build.planning.plan import Program
    from ostoo_build.planning.planned_unit import CompileUnit

MINE = "user-rs/libs/libmine.a"


@pytest.fixture
def paths(tmp_path: Path) -> PathMap:
    return trees.checkout(tmp_path)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return trees.planned(tmp_path, "hello-std")


@pytest.fixture
def library(program: Program) -> CompileUnit:
    """A library of the target, which rustc compiles in `user-rs`."""
    (found,) = trees.compiled(program, "ostoo_rt-")
    assert found.directory == "user-rs"
    return found


def write(paths: PathMap, name: str, data: bytes = b"data") -> Path:
    path = Path(paths.root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def action(*arguments: str, inputs: tuple[Input, ...] = ()) -> Action:
    return Action("Rustc", ("@{rustc}", *arguments), (), inputs, (), directory="user-rs")


def file(name: str, *, is_folder: bool = False) -> Input:
    return Input(name, "1" * 64, 4, is_folder=is_folder)


WAYS = [
    "-lstatic=mine -Llibs",
    "-l static=mine -L native=libs",
    "-lstatic:+whole-archive,-bundle=mine -L all=libs",
    "-lstatic:+verbatim=libmine.a -Llibs",
    "-lstatic=other:mine -Llibs",
    "-lstatic=mine -Lnone -Llibs -L@{root}/user-rs/later",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_static_library_that_arguments_name_is_declared_or_refused(
    way: str, paths: PathMap, library: CompileUnit
) -> None:
    write(paths, MINE)
    write(paths, "user-rs/later/libmine.a")
    with pytest.raises(OstooError, match=f"reads {MINE}, which is not among") as caught:
        link_inputs.check_libraries(paths, library, action(*way.split()))
    assert caught.value.where == f"{library.package}/Cargo.toml"
    for declared in (file(MINE), file("user-rs/libs", is_folder=True)):
        found = link_inputs.check_libraries(paths, library, action(*way.split(), inputs=(declared,)))
        assert found == {MINE}
    assert link_inputs.check_libraries(paths, replace(library, is_std=True), action(*way.split())) == frozenset()


@pytest.mark.parametrize(
    "words", ["-lmine -Llibs", "-ldylib=mine -Llibs", "-lstatic=mine -Ldependency=libs", "-lstatic=mine -Lcrate=libs"]
)
def test_what_rustc_does_not_copy_is_no_affair_of_a_compilation(
    words: str, paths: PathMap, library: CompileUnit
) -> None:
    write(paths, MINE)
    assert link_inputs.check_libraries(paths, library, action(*words.split())) == frozenset()


@pytest.mark.parametrize(
    ("kind", "is_asked"), [(UnitKind.PROC_MACRO, True), (UnitKind.BUILD_SCRIPT, True), (UnitKind.LIBRARY, False)]
)
def test_the_link_of_what_runs_here_reads_only_what_is_declared_of_the_checkout(
    kind: UnitKind, *, is_asked: bool, paths: PathMap, library: CompileUnit, tmp_path: Path
) -> None:
    write(paths, "user-rs/map.txt")
    write(paths, MINE)
    (tmp_path / "outside").write_bytes(b"data")
    words = f"-Clink-arg=-Wl,--version-script=map.txt,{tmp_path}/outside -Lnative=libs -Lnative={tmp_path}"
    unit = replace(library, kind=kind, target="")
    declared = (file("user-rs/map.txt"), file(MINE))
    found = link_inputs.check_libraries(paths, unit, action(*words.split(), inputs=declared))
    assert found == ({"user-rs/map.txt", MINE} if is_asked else frozenset())
    for missing in declared if is_asked else ():
        others = tuple(entry for entry in declared if entry != missing)
        with pytest.raises(OstooError, match=f"reads {missing.path}, which is not among"):
            link_inputs.check_libraries(paths, unit, action(*words.split(), inputs=others))


def test_a_profile_is_read_without_being_listed(paths: PathMap, library: CompileUnit) -> None:
    unit = replace(library, arguments=("-Cprofile-use=a.profdata",))
    assert link_inputs.check_libraries(paths, unit, action()) == {"user-rs/a.profdata"}


def archive(*names: str) -> bytes:
    return ar.write([ar.IndexedMember(ar.Member(name, name.encode()), ()) for name in names])


def bundles(paths: PathMap, unit: CompileUnit, made: bytes, *words: str, inputs: tuple[Input, ...] = ()) -> None:
    done = Finished(0, "", "", (), {unit.outputs[-1]: made}.__getitem__, paths)
    link_inputs.check_bundled(paths, unit, action(*(words or ("-Llibs",)), inputs=inputs), done)


OWN = ("a-1.a.rcgu.o", "lib.rmeta")


@pytest.mark.parametrize(
    ("name", "content"),
    [("libmine.a", archive("one.o", "two.o")), ("one.o", b"\x7fELF"), ("libmine.a", archive("one.o"))],
)
def test_a_crate_that_holds_an_undeclared_static_library_is_refused(
    name: str, content: bytes, paths: PathMap, library: CompileUnit
) -> None:
    write(paths, f"user-rs/libs/{name}", content)
    made = archive(*OWN, "one.o", "two.o")
    with pytest.raises(OstooError, match=f"reads user-rs/libs/{name}, which is not among") as caught:
        bundles(paths, library, made)
    assert caught.value.where == f"{library.package}/Cargo.toml"
    bundles(paths, library, made, inputs=(file(f"user-rs/libs/{name}"),))
    bundles(paths, library, made, inputs=(file("user-rs/libs", is_folder=True),))


def test_a_library_of_the_toolchain_is_nobodys_to_declare(paths: PathMap, library: CompileUnit) -> None:
    of_tools = Path(paths.expand("@{toolchain}"), "lib/libmine.a")
    of_tools.parent.mkdir(parents=True)
    of_tools.write_bytes(archive("one.o"))
    words = (f"-L{of_tools.parent}", "-lstatic=mine")
    assert link_inputs.check_libraries(paths, library, action(*words)) == {"@{toolchain}/lib/libmine.a"}
    bundles(paths, library, archive(*OWN, "one.o"), *words)


def test_a_file_that_is_declared_does_not_declare_what_is_called_like_it(paths: PathMap, library: CompileUnit) -> None:
    write(paths, MINE)
    with pytest.raises(OstooError, match=f"reads {MINE}"):
        link_inputs.check_libraries(paths, library, action("-Llibs", "-lstatic=mine", inputs=(file("user-rs/libs"),)))


def test_what_a_crate_does_not_hold_is_no_input_of_it(paths: PathMap, library: CompileUnit) -> None:
    others = {
        "liba.a": archive("one.o", "other.o"),
        "libb.a": archive(),
        "libc.a": b"no archive",
        "libown.a": archive(*OWN),
    }
    for name, content in others.items():
        write(paths, f"user-rs/libs/{name}", content)
    write(paths, "user-rs/libs/folder/one.o")
    (Path(paths.root) / "user-rs/libs/loop").symlink_to("loop")
    made = archive(*OWN, "one.o")
    bundles(paths, library, made)
    bundles(paths, library, made, "-Lnone")
    write(paths, MINE, archive("one.o"))
    bundles(paths, replace(library, is_std=True), made)
    bundles(paths, replace(library, kind=UnitKind.PROGRAM), made)
    bundles(paths, library, made, "-Ldependency=libs")
    bundles(paths, library, b"no archive")


def test_of_two_libraries_of_a_name_the_first_is_taken(paths: PathMap, library: CompileUnit) -> None:
    write(paths, MINE, archive("one.o"))
    write(paths, "user-rs/more/libmine.a", archive("one.o"))
    made = archive(*OWN, "one.o")
    bundles(paths, library, made, "-Llibs", "-Lmore", inputs=(file(MINE),))
    with pytest.raises(OstooError, match=r"reads user-rs/more/libmine\.a"):
        bundles(paths, library, made, "-Lmore", "-Llibs", inputs=(file(MINE),))


def targets(**spec: Any) -> Targets:
    return cast("Targets", SimpleNamespace(spec=lambda _: SimpleNamespace(source=SimpleNamespace(value=spec))))


def test_flags_and_the_target_spec_name_files_of_the_checkout(paths: PathMap, program: Program, tmp_path: Path) -> None:
    for name in ("user-rs/a.ld", "user-rs/b.o", "user-rs/libs/libmine.a", "build/x/made.o", "user-rs/unasked.ld"):
        write(paths, name)
    (tmp_path / "outside.ld").write_text("")
    words = f"-Clink-arg=-Ta.ld -Lnative=libs -Clink-arg=../build/x/made.o -Clink-arg=-T{tmp_path}/outside.ld"
    unit = replace(program.unit, arguments=tuple(words.split()))
    spec = targets(**{"pre-link-args": {"gnu": ["b.o"]}})
    names = [paths.input_path(path) for path in link_inputs.planned_files(paths, spec, unit)]
    assert sorted(names) == ["user-rs/a.ld", "user-rs/b.o", MINE]
    found = link_inputs.planned(paths, spec, unit, Snapshot())
    assert sorted(entry.path for entry in found) == sorted(names)
    assert all(entry.size == len(b"data") for entry in found)


def completed(paths: PathMap, program: Program, asked: Action) -> list[str]:
    """The inputs of a program's link, by name."""
    planner = cast("Planner", SimpleNamespace(paths=paths, targets=targets()))
    services = cast("Services", SimpleNamespace(engine=SimpleNamespace(settled={})))
    return [entry.path for entry in link_inputs.complete(planner, services, program, asked, Snapshot()).inputs]


@pytest.fixture
def covered(monkeypatch: pytest.MonkeyPatch) -> list[Input]:
    """What units of the program may read, and is in its key."""
    known: list[Input] = []
    monkeypatch.setattr(unit_inputs, "of", lambda *_: tuple(known))
    monkeypatch.setattr(unit_inputs, "declared", lambda *_: ())
    return known


def test_a_link_takes_in_what_its_arguments_name_and_the_programs_key_covers(
    paths: PathMap, program: Program, covered: list[Input]
) -> None:
    for name in ("a.ld", "b.ld", "c.ld"):
        write(paths, f"user-rs/{name}")
    covered.append(file("user-rs/b.ld"))
    write(paths, "user-rs/out.d")
    proof = f"-Clink-arg={link_proof.OPTION}out.d"
    flags = ("-Clink-arg=-Ta.ld", "-Clink-arg=-Tb.ld", "-Clink-arg=-Tc.ld", proof)
    asked = action(*flags, inputs=(file("user-rs/a.ld"),))
    covered.append(file("user-rs/out.d"))
    assert completed(paths, program, asked) == ["user-rs/a.ld", "user-rs/b.ld"], "LLD tells of the third"


def test_a_response_file_which_no_linker_tells_of_is_declared_or_refused(
    paths: PathMap, program: Program, covered: list[Input]
) -> None:
    write(paths, "user-rs/list", b"-Ta.ld")
    write(paths, "user-rs/a.ld")
    asked = action("-Clink-arg=@list")
    with pytest.raises(OstooError, match="the link reads user-rs/list, which is not among") as caught:
        completed(paths, program, asked)
    assert caught.value.where == f"{program.unit.package}/Cargo.toml"
    covered.append(file("user-rs/list"))
    assert completed(paths, program, asked) == ["user-rs/list"]
    of_tools = Path(paths.expand("@{toolchain}"), "list")
    of_tools.parent.mkdir(parents=True, exist_ok=True)
    of_tools.write_text("")
    assert completed(paths, program, action(f"-Clink-arg=@{of_tools}")) == []


def test_what_a_manifest_declares_is_an_input_of_the_link_too(
    paths: PathMap, program: Program, covered: list[Input]
) -> None:
    declared = write(paths, "user-rs/hello-std/data/declared.bin")
    unit = replace(program.unit, extra_inputs=("data/declared.bin",))
    mine = replace(program, units=(*program.units[:-1], unit))
    name = paths.input_path(declared)
    covered.append(file(name))
    assert completed(paths, mine, action()) == [name]
    assert completed(paths, program, action()) == []


def test_a_library_of_a_fetched_package_is_an_input_of_the_link(
    paths: PathMap, program: Program, covered: list[Input]
) -> None:
    assert covered == []
    package = "@{cargo-home}/registry/src/index/c-1.0"
    lib = Path(paths.expand(package), "libc.a")
    lib.parent.mkdir(parents=True)
    lib.write_bytes(b"data")
    fetched = replace(program.units[0], package=package)
    mine = replace(program, units=(fetched, *program.units))
    asked = action(f"-Clink-arg={lib}")
    assert completed(paths, mine, asked) == [f"{package}/libc.a"]
    assert completed(paths, program, asked) == [], "nobody's package"
