"""Whatever cargo has a word for is heeded as cargo does, or refused by name: nothing of it is dropped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import crates
import pytest
from trees import cargo

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

PACKAGE = '[package]\nname = "says"\nversion = "0.1.0"\nedition = "2021"\n'
PROFILE = {
    *("name", "opt_level", "lto", "codegen_units", "debuginfo", "debug_assertions", "overflow_checks", "panic"),
    *("strip", "incremental", "rustflags", "codegen_backend", "hint_mostly_unused", "trim_paths"),
}
WITHOUT_EFFECT = {"split_debuginfo", "rpath"}
"""The manual says so."""

UNIT = {"pkg_id", "target", "profile", "platform", "mode", "features", "is_std", "dependencies"}
DEPENDENCY = {"index", "extern_crate_name", "public", "noprelude", "nounused"}
TARGET = {"kind", "crate_types", "name", "src_path", "edition"}
NO_AFFAIR_OF_A_BUILD = {"doc", "doctest", "test", "doc-scrape-examples", "required-features"}


def test_each_word_of_cargos_graph_is_known(tmp_path: Path) -> None:
    """A cargo that says more of a unit has to be looked at."""
    (tmp_path / "src").mkdir()
    features = '"codegen-backend", "trim-paths", "profile-rustflags", "panic-immediate-abort"'
    said = 'codegen-backend = "llvm"\ntrim-paths = "all"\nrustflags = ["-Copt-level=1"]\npanic = "immediate-abort"\n'
    own = f"cargo-features = [{features}]\n{PACKAGE}[profile.release]\n{said}"
    (tmp_path / "Cargo.toml").write_text(own)
    (tmp_path / "build.rs").write_text("fn main() {}")
    (tmp_path / "src/main.rs").write_text("fn main() {}")
    (tmp_path / "src/lib.rs").write_text("")
    graph = json.loads(cargo(tmp_path, "build", "--unit-graph", "-Zunstable-options", "--release", "--offline"))
    for unit in graph["units"]:
        assert unit.keys() <= UNIT
        assert unit["profile"].keys() <= PROFILE | WITHOUT_EFFECT
        assert unit["target"].keys() <= TARGET | NO_AFFAIR_OF_A_BUILD
        assert all(dependency.keys() <= DEPENDENCY for dependency in unit["dependencies"])


NAMES = ("TARGET", "OUT_DIR", "NUM_JOBS", "CARGO_PKG_NAME", "CARGO_CRATE_NAME", "CARGO_BIN_NAME", "PLAIN", "FORCED")
SCRIPT = """fn main() {
    let mut said = String::new();
    for name in [NAMES] { said += &format!("{name}={} ", std::env::var(name).unwrap_or_default()); }
    println!("cargo::rustc-env=SCRIPT={said}");
    println!("cargo::rustc-env=OUT_DIR=script");
    println!("cargo::rustc-env=CARGO_CRATE_NAME=script");
    println!("cargo::rustc-env=PLAIN=script");
    println!("cargo::rustc-env=FORCED=script");
}"""


@pytest.mark.long
def test_who_sets_a_variable_that_several_set_is_who_it_is_with_cargo(tree: Tree, tmp_path: Path) -> None:
    """`[env]`, cargo, and the build script, of the crate; `[env]` and cargo of the build script."""
    quoted = ", ".join(f'"{name}"' for name in NAMES)
    script = SCRIPT.replace("NAMES", quoted)
    says = "".join(
        f'println!("{name}={{}}", option_env!("{name}").unwrap_or_default());' for name in (*NAMES, "SCRIPT")
    )
    configured = '\n[env]\nPLAIN = "configured"\n'
    configured += "".join(f'{name} = {{ value = "configured", force = true }}\n' for name in NAMES if name != "PLAIN")
    plain = tmp_path / "plain"
    (plain / "src").mkdir(parents=True)
    (plain / ".cargo").mkdir()
    (plain / "Cargo.toml").write_text(f"{PACKAGE}[workspace]\n")
    (plain / ".cargo/config.toml").write_text(configured)
    (plain / "build.rs").write_text(script)
    (plain / "src/main.rs").write_text(f"fn main() {{ {says} }}")
    theirs = cargo(plain, "run", "-q", "--offline", "-j", "3")

    crates.add(tree, "says", f"[dependencies]\n{crates.RUNTIME}\n", main=crates.main(says), build=script)
    settings = tree.root / "user-rs/.cargo/config.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + configured, encoding="utf-8")
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()  # it lets no program name this machine's folders
    tree.build("says", "-j3")
    ours = tree.run("says")[1]
    assert told(ours, tree.root / "build") == told(theirs, plain / "target")


def told(text: str, folder: Path) -> dict[str, str]:
    """What a program said: whose a value is, where it is no word of a test's."""
    lines = dict(line.split("=", 1) for line in text.splitlines())
    of_script = dict(word.split("=", 1) for word in lines.pop("SCRIPT").split())
    assert of_script["OUT_DIR"].startswith(str(folder))
    of_script["OUT_DIR"], of_script["TARGET"] = "cargo's", of_script["TARGET"].replace("-ostoo-user", "").split("-")[0]
    return {**lines, **{f"script's {name}": value for name, value in of_script.items()}}
