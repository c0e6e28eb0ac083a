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


OF_CARGO = (
    *("unstable-options", "unit-graph", "json-target-spec", "build-std", "build-std-features"),
    *("panic-immediate-abort", "profile-rustflags"),
)
"""What this project's own workspace asks cargo for."""

REFUSED = {
    "several build scripts": (
        f'cargo-features = ["multiple-build-scripts"]\n{PACKAGE}build = ["a.rs", "b.rs"]\n',
        "",
        "error: the package says has 2 build scripts",
    ),
    "an artifact": (
        f'{PACKAGE}[build-dependencies]\nhello-rs = {{ path = "../hello-rs", artifact = "bin" }}\n',
        "[unstable]\nbindeps = true\n",
        "error: the package says uses hello-rs as an artifact, which this build does not support",
    ),
    "what is said in a script's place": (
        f'{PACKAGE}links = "mine"\nbuild = "a.rs"\n',
        '[target.x86_64-ostoo-user.mine]\nrustc-cfg = ["b"]\n',
        "error: the configuration overrides the build script of says v0.1.0: [target.TRIPLE.mine]",
    ),
    "features that may be used": (
        PACKAGE,
        f"[unstable]\nallow-features = {json.dumps(OF_CARGO)}\n",
        "error: cargo's configuration has [unstable] allow-features, which this build does not support",
    ),
    "another lock file": (
        PACKAGE,
        '[resolver]\nlockfile-path = "user-rs/other/Cargo.lock"\n',
        "error: cargo's configuration has [resolver] lockfile-path, which this build does not support",
    ),
    "warnings that fail a build": (
        PACKAGE,
        '[build]\nwarnings = "deny"\n',
        'error: cargo\'s configuration has [build] warnings = "deny", which this build does not support',
    ),
    "another code generator": (
        PACKAGE,
        '[unstable]\ncodegen-backend = true\n[profile.release]\ncodegen-backend = "cranelift"\n',
        "error: the profile release sets codegen-backend, which this build does not support",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_this_build_has_no_way_for_is_refused_by_name(what: str, tree: Tree) -> None:
    head, configured, message = REFUSED[what]
    crates.add(tree, "says", f"[dependencies]\n{crates.RUNTIME}\n", main=crates.main())
    tree.write("user-rs/says/Cargo.toml", f"{head}[dependencies]\n{crates.RUNTIME}\n")
    for name in ("a", "b"):
        tree.write(f"user-rs/says/{name}.rs", f'fn main() {{ println!("cargo::rustc-cfg={name}"); }}')
    settings = tree.root / "user-rs/.cargo/config.toml"
    text = settings.read_text(encoding="utf-8")
    if not configured.startswith("[unstable]"):
        tree.write(".cargo/config.toml", configured)
        configured = ""
    more = configured.removeprefix("[unstable]\n").partition("[profile")
    settings.write_text(text.replace("[unstable]\n", f"[unstable]\n{more[0]}") + more[1] + more[2], encoding="utf-8")
    refused = tree.scons("says")
    assert refused.code == 2, refused.stderr
    assert message in refused.stderr
    assert refused.stderr.count("error: ") == 1


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
