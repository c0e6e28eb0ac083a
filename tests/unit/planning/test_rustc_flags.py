from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from ostoo_build.base.errors import OstooError
from ostoo_build.planning import manifest, rustc_flags, unit_graph
from ostoo_build.planning.rustc_flags import UnitKind, UnitPaths

if TYPE_CHECKING:
    from ostoo_build.planning.manifest import Manifest
    from ostoo_build.planning.unit_graph import Unit

(GRAPH,) = unit_graph.parse((Path(__file__).parents[2] / "support/data/unit_graph_hello_rs.json").read_text())
UNITS = {unit.target_name: unit for unit in GRAPH.units if unit.kind != "custom-build"}
RT, PROGRAM, STD = UNITS["ostoo_rt"], UNITS["hello-rs"], UNITS["std"]
SCRIPT, RUN = (unit for unit in GRAPH.units if unit.kind == "custom-build" and "/std#" in unit.pkg_id)
MACRO = replace(RT, kind="proc-macro", crate_types=("proc-macro",), platform=None)


@pytest.fixture
def package(tmp_path: Path) -> Manifest:
    path = tmp_path / "Cargo.toml"
    path.write_text(
        '[package]\nname = "a"\nversion = "1.2.3"\ndescription = "all of @{root}"\n'
        '[features]\nx = []\nno_std = []\n[lints.rust]\nunused = "deny"\n'
    )
    return manifest.read(path)


def flags(unit: Unit, package: Manifest, source: str = "user-rs/rt/src/lib.rs") -> list[str]:
    return list(rustc_flags.compile_flags(unit, package, "ostoo_rt-0123", UnitPaths(source, "build/u", ".")))


def options(arguments: list[str], flag: str) -> list[str]:
    return [value for name, value in pairwise(arguments) if name == flag]


@pytest.mark.parametrize(
    ("unit", "kind", "files"),
    [
        (RT, UnitKind.LIBRARY, ("rmeta/libu-1.rmeta", "rlib/libu-1.rlib")),
        (STD, UnitKind.LIBRARY, ("rmeta/libu-1.rmeta", "rlib/libu-1.rlib")),
        (MACRO, UnitKind.PROC_MACRO, ("libu-1.so",)),
        (PROGRAM, UnitKind.PROGRAM, ()),
        (SCRIPT, UnitKind.BUILD_SCRIPT, ("build-script",)),
    ],
)
def test_each_kind_has_its_files(unit: Unit, kind: UnitKind, files: tuple[str, ...]) -> None:
    assert UnitKind.of(unit) is kind
    assert rustc_flags.outputs(unit, "u-1") == files


def test_the_run_of_a_build_script_is_no_compilation() -> None:
    assert UnitKind.of(RUN) is UnitKind.RUN


def test_a_library_is_compiled_as_cargo_does_it(package: Manifest) -> None:
    found = flags(RT, package)
    assert found[:4] == ["--crate-name", "ostoo_rt", "--edition=2021", "user-rs/rt/src/lib.rs"]
    emit = "dep-info=build/u/dep-info.d,metadata=build/u/rmeta/libostoo_rt-0123.rmeta"
    assert f"--emit={emit},link=build/u/rlib/libostoo_rt-0123.rlib" in found
    assert options(found, "-C") == [
        *("opt-level=s", "panic=abort", "linker-plugin-lto", "metadata=ostoo_rt-0123", "extra-filename=-0123"),
    ]
    assert options(found, "--cfg") == ['feature="no_std"']
    assert options(found, "--check-cfg")[1] == 'cfg(feature, values("no_std", "x"))'
    assert "--deny=unused" in found


REMAPPED = ["@{root}=.", "@{cargo-home}=/cargo", "@{rust-src}=library"]
WHOLE = {
    "a library": (
        RT,
        (
            "--crate-type lib --emit=dep-info=build/u/dep-info.d,metadata=build/u/rmeta/libostoo_rt-0123.rmeta,"
            "link=build/u/rlib/libostoo_rt-0123.rlib --out-dir build/u"
            ' -C opt-level=s -C panic=abort -C linker-plugin-lto --deny=unused --cfg feature="no_std"'
        ),
        "-Zemit-stack-sizes",
    ),
    "a library of the host": (
        replace(RT, platform=None, profile=replace(RT.profile, panic="unwind", opt_level="0", debug_assertions=True)),
        (
            "--crate-type lib --emit=dep-info=build/u/dep-info.d,metadata=build/u/rmeta/libostoo_rt-0123.rmeta,"
            "link=build/u/rlib/libostoo_rt-0123.rlib --out-dir build/u"
            ' -C embed-bitcode=no --deny=unused -C overflow-checks=off --cfg feature="no_std"'
        ),
        rustc_flags.STD_BY_ITS_OWN_NAMES,
    ),
    "a macro": (
        replace(MACRO, profile=replace(RT.profile, debug_assertions=True, overflow_checks=True, debuginfo="2")),
        (
            "--crate-type proc-macro --emit=dep-info=build/u/dep-info.d,link=build/u/libostoo_rt-0123.so"
            " --out-dir build/u"
            " -C prefer-dynamic --extern proc_macro -C opt-level=s -C panic=abort -C embed-bitcode=no -C debuginfo=2"
            ' --deny=unused -C debug-assertions=on --cfg feature="no_std"'
        ),
        rustc_flags.STD_BY_ITS_OWN_NAMES,
    ),
    "a build script": (
        replace(RT, kind="custom-build", crate_types=("bin",), platform=None, features=()),
        (
            "--crate-type bin --emit=dep-info=build/u/dep-info.d,link=build/u/build-script --out-dir build/u"
            " -C opt-level=s -C panic=abort -C embed-bitcode=no --deny=unused"
        ),
        rustc_flags.STD_BY_ITS_OWN_NAMES,
    ),
    "a program": (
        replace(
            RT,
            kind="bin",
            crate_types=("bin",),
            features=("x", "no_std"),
            profile=replace(RT.profile, codegen_units=1, rustflags=("-Ca", "-Cb"), hint_mostly_unused=True),
        ),
        (
            "--crate-type bin --emit=dep-info=build/u/dep-info.d,link=build/u/ostoo_rt-0123 -Zno-link --out-dir build/u"
            " -C opt-level=s -C panic=abort -C lto=fat -C codegen-units=1 --deny=unused -Ca -Cb"
            ' --cfg feature="x" --cfg feature="no_std"'
        ),
        "-Zhint-mostly-unused -Zemit-stack-sizes",
    ),
    "a library with its tests": (
        replace(RT, mode="test"),
        (
            "--emit=dep-info=build/u/dep-info.d,link=build/u/ostoo_rt-0123 -Zno-link --out-dir build/u"
            ' -C opt-level=s -C panic=abort -C lto=fat --deny=unused --test -Zpanic-abort-tests --cfg feature="no_std"'
        ),
        "-Zemit-stack-sizes",
    ),
}
"""What differs of each kind of unit: before what rustc is to check, and behind what it is called."""


@pytest.mark.parametrize("what", WHOLE)
def test_a_compilation_has_these_arguments_and_no_others(what: str, package: Manifest) -> None:
    unit, before, behind = WHOLE[what]
    found = flags(unit, package)
    assert found == [
        *("--crate-name", "ostoo_rt", "--edition=2021", "user-rs/rt/src/lib.rs"),
        *("--error-format=json", "--json=diagnostic-rendered-ansi,artifacts"),
        *before.split(" "),
        *("--check-cfg", "cfg(docsrs,test)", "--check-cfg", 'cfg(feature, values("no_std", "x"))'),
        *("-C", "metadata=ostoo_rt-0123", "-C", "extra-filename=-0123"),
        *behind.split(),
        *(f"--remap-path-prefix={pair}" for pair in REMAPPED),
        *("-Zchecksum-hash-algorithm=sha256", "-Zunstable-options"),
    ]


def test_a_folder_whose_name_no_prefix_can_hold_is_not_remapped(package: Manifest) -> None:
    """Rustc takes what stands behind the last `=` for the new name."""
    paths = UnitPaths("a=b/src/lib.rs", "build/u", "a=b")
    found = rustc_flags.compile_flags(RT, package, "ostoo_rt-0123", paths)
    assert [flag for flag in found if flag.startswith("--remap")] == [
        f"--remap-path-prefix={pair}" for pair in REMAPPED
    ]


def test_a_program_is_compiled_without_its_link(package: Manifest) -> None:
    found = flags(PROGRAM, package)
    assert {"--emit=dep-info=build/u/dep-info.d,link=build/u/ostoo_rt-0123", "-Zno-link"} < set(found)
    assert options(found, "--out-dir") == ["build/u"]
    assert "lto=fat" in options(found, "-C")


@pytest.mark.parametrize(
    ("unit", "lto", "expected"),
    [
        (PROGRAM, "true", "lto=fat"),
        (PROGRAM, "thin", "lto=thin"),
        (PROGRAM, "on", "lto=on"),
        (RT, "yes", "linker-plugin-lto"),
        (PROGRAM, "off", "lto=off embed-bitcode=no"),
        (PROGRAM, "false", "embed-bitcode=no"),
        (RT, "thin", "linker-plugin-lto"),
        (RT, "false", "embed-bitcode=no"),
        (RT, "off", "lto=off embed-bitcode=no"),
        (replace(RT, platform=None), "true", "embed-bitcode=no"),
        (SCRIPT, "true", "embed-bitcode=no"),
        (MACRO, "true", "embed-bitcode=no"),
    ],
)
def test_link_time_optimisation_is_the_programs(unit: Unit, lto: str, expected: str, package: Manifest) -> None:
    found = options(flags(replace(unit, profile=replace(unit.profile, lto=lto)), package), "-C")
    of_lto = [option for option in found if "lto" in option or "bitcode" in option]
    assert of_lto == expected.split()


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [
        ("opt_level", "3", "opt-level=3"),
        ("codegen_units", 16, "codegen-units=16"),
        ("debuginfo", "line-tables-only", "debuginfo=line-tables-only"),
        ("debug_assertions", True, "debug-assertions=on"),
        ("overflow_checks", True, "overflow-checks=on"),
        ("panic", "immediate-abort", "panic=immediate-abort"),
    ],
)
def test_a_profile_becomes_options(field: str, value: Any, option: str, package: Manifest) -> None:
    assert option not in flags(RT, package)
    assert option in flags(replace(RT, profile=replace(RT.profile, **{field: value})), package)


def test_a_profile_that_says_nothing_of_panics_leaves_it_to_the_target(package: Manifest) -> None:
    for unit in (RT, PROGRAM, SCRIPT, MACRO):
        silent = replace(unit, profile=replace(unit.profile, panic="unwind"))
        assert not [option for option in options(flags(silent, package), "-C") if "panic" in option]


FETCHED = "registry+https://example.org/index#a@1.2.3"


@pytest.mark.parametrize(
    ("unit", "source", "is_own"),
    [
        (STD, "@{rust-src}/std/src/lib.rs", False),
        (RT, "user-rs/rt/src/lib.rs", True),
        (RT, "/elsewhere/rt/src/lib.rs", True),
        (replace(RT, pkg_id=FETCHED), "user-rs/vendor/a/src/lib.rs", False),
        (replace(RT, pkg_id="git+https://example.org/a#1.2.3"), "@{cargo-home}/git/checkouts/a/src/lib.rs", False),
    ],
)
def test_lints_are_for_the_users_own_crates_wherever_they_lie(
    unit: Unit,
    source: str,
    is_own: bool,  # noqa: FBT001 - a table's column
    package: Manifest,
) -> None:
    found = flags(unit, package, source)
    assert options(found, "--cap-lints") == ([] if is_own else ["allow"])
    assert "--deny=unused" in found, "cargo hands them to all, and caps them"


def test_std_may_use_what_is_unstable_and_set_any_feature(package: Manifest) -> None:
    found = flags(STD, package, "@{rust-src}/std/src/lib.rs")
    assert "force-unstable-if-unmarked" in options(found, "-Z")
    assert "cfg(feature, values(any()))" in options(found, "--check-cfg")
    assert "force-unstable-if-unmarked" not in flags(RT, package)


def test_each_compilation_is_remapped_and_proved(package: Manifest) -> None:
    found = flags(RT, package)
    assert remaps(found) == ["@{root}=.", "@{cargo-home}=/cargo", "@{rust-src}=library"]
    assert "-Zchecksum-hash-algorithm=sha256" in found


@pytest.mark.parametrize(("unit", "is_told"), [(MACRO, True), (SCRIPT, True), (RT, False), (PROGRAM, False)])
def test_crates_for_the_host_name_std_alike_wherever_its_source_lies(
    unit: Unit,
    is_told: bool,  # noqa: FBT001 - a table's column
    package: Manifest,
) -> None:
    assert (rustc_flags.STD_BY_ITS_OWN_NAMES in flags(unit, package)) == is_told


def remaps(arguments: list[str]) -> list[str]:
    prefix = "--remap-path-prefix="
    return [flag.removeprefix(prefix) for flag in arguments if flag.startswith(prefix)]


def test_a_file_has_one_name_wherever_rustc_runs(package: Manifest) -> None:
    member = list(
        rustc_flags.compile_flags(RT, package, "a-1", UnitPaths("user-rs/rt/src/lib.rs", "build/u", "user-rs"))
    )
    assert member[3] == "rt/src/lib.rs"
    assert remaps(member)[:4] == ["=user-rs", "@{root}=.", "@{root}/user-rs=.", "@{root}/user-rs/rt=./user-rs/rt"]
    assert options(member, "--out-dir") == ["../build/u"]
    elsewhere = list(rustc_flags.compile_flags(RT, package, "a-1", UnitPaths("shared/main.rs", "build/u", "user-rs")))
    assert elsewhere[3] == "@{root}/shared/main.rs"
    assert remaps(elsewhere)[:3] == ["=user-rs", "@{root}=.", "@{root}/user-rs=."]
    crate = "@{cargo-home}/registry/src/b-1.0"
    fetched = list(rustc_flags.compile_flags(RT, package, "b-1", UnitPaths(f"{crate}/src/lib.rs", "build/u", crate)))
    assert fetched[3] == f"{crate}/src/lib.rs"
    assert options(fetched, "--out-dir") == ["@{root}/build/u"]
    assert remaps(fetched) == remaps(flags(RT, package))


@pytest.mark.parametrize("flags", [("-Ldependency=a",), ("-L", "a"), ("-Ca", "--extern=a=b")])
def test_flags_that_show_rustc_other_libraries_have_it_name_them(flags: tuple[str, ...]) -> None:
    assert [*rustc_flags.proof_of(flags)] == ["-Zbinary-dep-depinfo"]
    assert [*rustc_flags.proof_of(("-Ca", "--cfg=b", "-L", "native=a", "-Lframework=b"))] == []


def test_a_packages_variables_are_portable_and_its_words_no_placeholders(package: Manifest) -> None:
    found = rustc_flags.package_environment(RT, package, "user-rs/rt")
    variables = dict(found)
    assert found == tuple(sorted(variables.items()))
    assert variables["CARGO"] == "@{cargo}"
    assert variables["CARGO_MANIFEST_DIR"] == "@{root}/user-rs/rt"
    assert variables["CARGO_MANIFEST_PATH"] == "@{root}/user-rs/rt/Cargo.toml"
    assert variables["CARGO_CRATE_NAME"] == "ostoo_rt"
    assert variables["CARGO_PKG_VERSION"] == "1.2.3"
    assert variables["CARGO_PKG_DESCRIPTION"] == "all of @{at}{root}"
    assert "CARGO_BIN_NAME" not in variables
    assert dict(rustc_flags.package_environment(PROGRAM, package, "user-rs/a"))["CARGO_BIN_NAME"] == "hello-rs"


def test_a_crate_outside_the_prelude_says_so() -> None:
    assert rustc_flags.extern_flag("core", "c.rmeta", ("noprelude", "nounused"))[1] == "noprelude,nounused:core=c.rmeta"
    assert rustc_flags.extern_flag("rt", "r.rmeta", ()) == ("--extern", "rt=r.rmeta")


@pytest.mark.parametrize(
    ("kind", "panic", "manifest_text", "expected"),
    [
        ("bin", "abort", "", ["--test", "-Zpanic-abort-tests"]),
        ("lib", "abort", "", ["--test", "-Zpanic-abort-tests"]),
        ("test", "unwind", "", ["--test"]),
        ("test", "abort", '[[test]]\nname = "hello-rs"\nharness = false\n', ["--cfg", "test"]),
        ("rlib", "abort", '[lib]\nname = "hello-rs"\nharness = false\n', ["--cfg", "test"]),
    ],
)
def test_tests_are_compiled_as_cargo_has_them_compiled(
    kind: str, panic: str, manifest_text: str, expected: list[str], package: Manifest
) -> None:
    package.path.write_text(package.path.read_text() + manifest_text)
    unit = replace(PROGRAM, kind=kind, mode="test", profile=replace(PROGRAM.profile, panic=panic))
    found = flags(unit, manifest.read(package.path))
    starts = [at for at, word in enumerate(found) if word == expected[0]]
    assert expected in [found[at : at + len(expected)] for at in starts]
    assert "--crate-type" not in found
    assert "-Zno-link" in found
    assert ("--test" in expected) is rustc_flags.has_libtest(unit, manifest.read(package.path))


@pytest.mark.parametrize(
    ("types", "used"),
    [
        (("lib", "staticlib"), "lib"),
        (("cdylib", "rlib"), "rlib"),
        (("dylib", "lib", "rlib"), "lib"),
        (("rlib",), "rlib"),
    ],
)
def test_of_a_library_that_is_several_things_what_programs_link_is_made(
    types: tuple[str, ...], used: str, package: Manifest
) -> None:
    for unit in (RT, replace(RT, platform=None)):
        assert options(flags(replace(unit, crate_types=types), package), "--crate-type") == [used]


def test_a_library_that_no_program_here_can_link_is_refused_by_name(package: Manifest) -> None:
    with pytest.raises(OstooError, match="the library of a is dylib only") as caught:
        flags(replace(RT, crate_types=("dylib",)), package)
    assert (caught.value.where, caught.value.remedy) == (str(package.path), 'add "lib" to its `crate-type`')
