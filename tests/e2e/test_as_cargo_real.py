"""What rustc and build scripts are told, held name by name against what the real cargo tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import beside_cargo
import crates
import pytest
from beside_cargo import arguments_of, defaults_of
from trees import TARGET, copy_tree

from ostoo_build.planning.rustc_flags import UnitKind
from ostoo_build.rust import options as rustc_options

if TYPE_CHECKING:
    from beside_cargo import Both
    from trees import Tree

pytestmark = pytest.mark.compiler

TELLS = """
fn main() {
    let mut all: Vec<(String, String)> = std::env::vars().collect();
    all.sort();
    let text: String = all.iter().map(|(name, value)| {
        let value = value.replace('\\\\', "\\\\\\\\").replace('"', "\\\\\\"").replace('\\u{1f}', "\\\\u001f");
        format!("{name}=\\"{value}\\"\\n")
    }).collect();
    std::fs::write(std::env::var("OUT_DIR").unwrap() + "/env", text).unwrap();
    MORE
}
"""
ROOT = """
[workspace.package]
version = "1.2.3-rc.1+b"
authors = ["A <a@b>", "C"]
description = "it's \\"quoted\\""
homepage = "h"
repository = "r"
documentation = "d"
readme = "READ-US.md"
license-file = "LICENSE"
rust-version = "1.80"
"""
TOLD = """
[package]
name = "told"
links = "told-it"
edition = "2021"
{}
[features]
default = ["some-thing"]
some-thing = []
other = ["dep:mid-sys"]
[lib]
name = "told_lib"
[[bin]]
name = "told"
path = "src/main.rs"
[lints.rust]
unused = "warn"
unexpected_cfgs = {{ level = "warn", check-cfg = ["cfg(x)", "cfg(built)"] }}
[dependencies]
mid-sys = {{ path = "../mid-sys", optional = true }}
low-sys = {{ path = "../low-sys" }}
other-sys = {{ path = "../other-sys" }}
environ = {{ path = "../environ" }}
{}
[build-dependencies]
host-lib = {{ path = "../host-lib" }}
"""
INHERITED = ("version", "authors", "description", "homepage", "repository", "readme", "license-file", "rust-version")
CONFIGURED = """
[env]
PLAIN = "1"
RELATIVE = { value = "data/b", relative = true }
FORCED = { value = "f", force = true }

[target.'cfg(target_env = "musl")']
linker = "rust-lld"
"""
ODD = """
[profile.odd]
inherits = "dev"
opt-level = 2
debug = "limited"
split-debuginfo = "packed"
strip = "debuginfo"
lto = "thin"
codegen-units = 4
overflow-checks = true
debug-assertions = false
rpath = true
trim-paths = "all"
incremental = true
rustflags = ["-Cforce-unwind-tables=yes"]

[profile.odd.package."*"]
opt-level = 1

[profile.odd.package.low-sys]
opt-level = "z"
codegen-units = 2
debug = 2
overflow-checks = false

[profile.odd.build-override]
opt-level = 3
debug = 1
codegen-units = 3
"""
"""A profile of the configuration, with all that cargo lets profiles say."""
FLAGS = r'"--cfg", "mycfg", "--cfg=key=\"v\"", "-Ctarget-feature=+sse3", "-C", "force-frame-pointers=yes"'


def script(*lines: str) -> str:
    return TELLS.replace("MORE", "".join(f'println!("cargo::{line}");' for line in lines))


def make(tree: Tree) -> None:
    """A program below which is all that cargo has a word for."""
    crates.add(tree, "environ", "[lib]\nproc-macro = true\n", lib=crates.proc_macro("word", '"1".parse().unwrap()'))
    said = ("metadata=include-dir=/low", "rustc-env=MADE=1", "rustc-cfg=made", "rustc-check-cfg=cfg(made)")
    crates.add(tree, "low-sys", 'links = "low-thing"\n', lib="#![no_std]\n", build=script(*said))
    lower = f'links = "mid"\n[dependencies]\n{crates.paths("low-sys")}'
    crates.add(tree, "mid-sys", lower, lib="#![no_std]\n", build=script("metadata=mid=1"))
    other = f'links = "other"\n[dependencies]\n{crates.paths("mid-sys")}'
    crates.add(tree, "other-sys", other, lib="#![no_std]\n", build=script("metadata=other=1"))
    crates.add(tree, "host-lib", "", lib="pub const H: u32 = 1;\n", build=script())
    tree.write("user-rs/host-lib/README.md", "read")
    tree.write("user-rs/READ-US.md", "read")
    tree.replace("user-rs/Cargo.toml", "[workspace.package]", ROOT)
    inherited = "".join(f"{name}.workspace = true\n" for name in INHERITED)
    tree.write("user-rs/told/Cargo.toml", TOLD.format(inherited, crates.RUNTIME))
    tree.write("user-rs/told/build.rs", script("rustc-env=FROM_BUILD=1", "rustc-cfg=built"))
    tree.write("user-rs/told/src/lib.rs", "#![no_std]\n")
    tree.write("user-rs/told/src/main.rs", crates.main())
    tree.write("user-rs/told/SConscript", 'Import("env")\nenv.RustProgram("told")\n')
    tree.replace("user-rs/Cargo.toml", "members = [", 'members = ["told", ')
    settings = tree.root / "user-rs/.cargo/config.toml"
    text = settings.read_text(encoding="utf-8")
    folder = f'"-Lnative=../sysroot/{TARGET}/lib"'
    assert folder in text
    text = text.replace(folder, f"{folder}, {FLAGS}").replace("[unstable]", "[unstable]\ntrim-paths = true")
    settings.write_text(text + CONFIGURED + ODD, encoding="utf-8")


@pytest.fixture(scope="module", params=["release", "dev", "size", "odd"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("as-cargo")
    tree = copy_tree(folder / "checkout", "off")
    make(tree)
    return beside_cargo.both_ways(tree, "user-rs", "told", request.param, folder / "cargo")


@pytest.fixture(scope="module", params=["release", "dev", "odd"])
def both_checks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("checks")
    tree = copy_tree(folder / "checkout", "off")
    make(tree)
    return beside_cargo.both_ways(tree, "user-rs", "told", request.param, folder / "cargo", verb="check")


NOT_TOLD = {
    "HOME": "nobody's home folder is in a key",
    "LD_LIBRARY_PATH": "cargo's own folders; what the toolchain needs is added where it runs",
    "CARGO_MAKEFLAGS": "the jobserver of the moment, see the test of a real run",
    "RUSTC": "the recorder",
    "OUT_DIR": "another folder, see the test of a real run",
    "PATH": "see the test of a real run",
    "RUSTC_BOOTSTRAP": "added to the action where the toolchain has it",
    "NUM_JOBS": "added where it runs",
    "DEP_COMPILER_RT_COMPILER_RT": "std's own affair: cargo shows it where it builds std only",
    "LC_CTYPE": "python's, of the recorder",
    "SSL_CERT_DIR": "where this machine has certificates",
    "SSL_CERT_FILE": "likewise",
    "RUSTDOC": "cargo knows the path only where rustup started it",
}


@pytest.mark.parametrize("package", ["told", "low-sys", "other-sys", "host-lib"])
def test_a_build_script_is_told_what_cargo_tells_it(package: str, both: Both) -> None:
    theirs, unit = both.cargo.script_environment(package), both.run(package)
    ours = both.expanded(unit)
    said = {"low-sys": ("DEP_LOW_THING_INCLUDE_DIR", "/low"), "mid-sys": ("DEP_MID_MID", "1")}
    said["other-sys"] = ("DEP_OTHER_OTHER", "1")
    others = [each.label.partition(" ")[0] for each in both.program.units if each.id in unit.runs]
    ours |= dict(said[other] for other in others)
    names = sorted(({*ours, *theirs}) - NOT_TOLD.keys())
    assert {name: ours.get(name) for name in names} == {name: theirs.get(name) for name in names}


NOT_COMPILED_WITH = {*NOT_TOLD, "FROM_BUILD", "MADE", "STD_ENV_ARCH", "CARGO"}


def test_crates_see_the_variables_that_cargo_shows_them(both: Both) -> None:
    for name, theirs, unit in both.compilations():
        if not name.startswith(("core:", "std:", "alloc:", "compiler_builtins:")):
            ours = both.expanded(unit)
            names = sorted(({*ours, *theirs.environment}) - NOT_COMPILED_WITH)
            told = {variable: theirs.environment.get(variable) for variable in names}
            assert {variable: ours.get(variable) for variable in names} == told, name


def test_rustc_gets_the_arguments_that_cargo_gives_it(both: Both) -> None:
    for name, theirs, unit in both.compilations():
        ours = [both.planner.paths.expand(word) for word in unit.arguments]
        if not name.startswith(("core:", "std:", "alloc:", "compiler_builtins:")):
            assert sorted(arguments_of(ours)) == sorted(arguments_of(theirs.arguments)), name
        assert defaults_of(ours) == defaults_of(theirs.arguments), name


def test_a_check_gives_rustc_what_cargos_check_gives_it(both_checks: Both) -> None:
    """For each crate that users edit: std and downloaded crates are those of the build."""
    checked = 0
    for name, theirs, unit in both_checks.compilations():
        ours = [both_checks.planner.paths.expand(word) for word in unit.arguments]
        if not unit.is_std:
            assert sorted(arguments_of(ours)) == sorted(arguments_of(theirs.arguments)), name
            assert defaults_of(ours) == defaults_of(theirs.arguments), name
            assert ("link=" in emitted(ours)) == ("link" in emitted(theirs.arguments).split(",")), name
            checked += unit.kind is UnitKind.CHECK
    assert checked == 6


def emitted(words: list[str]) -> str:
    return next(option.value for option in rustc_options.read(words) if option.flag == "--emit")
