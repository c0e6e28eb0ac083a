"""What compilers, macros and build scripts see of the user's environment: what is listed, and nothing else."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import crates
import pytest
from trees import PROJECT, Result, copy_sources

from ostoo_build.planning import std_environment
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

    from trees import Tree

pytestmark = pytest.mark.compiler

ALL = """
    // all that there is
    let mut all: Vec<(String, String)> = std::env::vars().collect();
    all.sort();
    let text: String = all.iter().map(|(name, value)| format!("{name}={}\\n", value.escape_unicode())).collect();
"""
MACRO = f"{ALL} std::iter::once(proc_macro::TokenTree::from(proc_macro::Literal::string(&text))).collect()"
SCRIPT = f'fn main() {{ {ALL} std::fs::write(std::env::var("OUT_DIR").unwrap() + "/env", text).unwrap(); }}'
OF_RUSTC = {"RUSTC_LOG", "RUSTC_ICE", "RUSTC_BOOTSTRAP", "CARGO_MAKEFLAGS", "LD_LIBRARY_PATH"}
OF_SCRIPTS = {*OF_RUSTC, "PATH", "HOME", "TMPDIR", "NUM_JOBS"}


@pytest.fixture
def seen(tree: Tree, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tree:
    """A program that prints what a macro in it saw, and one whose build script does."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("SECRET", "sesame")
    crates.add(tree, "environ", "[lib]\nproc-macro = true\n", lib=crates.proc_macro("environ", MACRO))
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('environ')}"
    said = 'println!("{}\\n--", environ::environ!());\nprintln!("{}", include_str!(concat!(env!("OUT_DIR"), "/env")));'
    crates.add(tree, "seen", asks, main=crates.main(said), build=f"{SCRIPT}// {uuid.uuid4()}: in no cache\n")
    return tree


def read(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.strip().splitlines())
    plain = {name: value.replace("\\u{", "").split("}")[:-1] for name, _, value in lines}
    return {name: "".join(chr(int(each, 16)) for each in value) for name, value in plain.items()}


def test_macros_and_scripts_see_what_is_declared_and_what_is_listed(seen: Tree) -> None:
    # a program that names this machine's folders is refused otherwise
    (seen.root / "targets/x86_64-ostoo-user.loader.json").unlink()
    seen.build("seen")
    macro, script = map(read, seen.run("seen")[1].split("--"))
    of_cargo = ("CARGO_", "DEP_")
    told = {"CARGO", "RUSTC", "RUSTDOC", "OUT_DIR", "TARGET", "HOST", "OPT_LEVEL", "DEBUG", "PROFILE"}
    assert {name for name in macro if not name.startswith(of_cargo)} <= {*OF_RUSTC, "CARGO", "OUT_DIR"}
    assert {name for name in script if not name.startswith(of_cargo)} <= {*OF_SCRIPTS, *told}
    assert {name: script[name] for name in ("PATH", "HOME", "TMPDIR")} == {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR")
    }
    assert "--jobserver-auth=" in script["CARGO_MAKEFLAGS"]
    assert int(script["NUM_JOBS"]) > 0


@pytest.mark.parametrize("name", ["TMPDIR", "PATH", "HOME", "SECRET", "NUM_JOBS", "RUSTC_LOG"])
def test_a_crate_for_the_target_is_given_the_users_variables_that_it_asks_for(name: str, seen: Tree) -> None:
    seen.write("user-rs/seen/src/main.rs", crates.main(f'println!("{{:?}}", option_env!("{name}"));'))
    if name == "RUSTC_LOG":
        assert (
            f"reads the environment variable {name}, which the build sets for rustc itself" in seen.scons("seen").stderr
        )
        return
    # a program that names this machine's folders is refused otherwise
    (seen.root / "targets/x86_64-ostoo-user.loader.json").unlink()
    seen.build("seen")
    value = f'Some("{os.environ[name]}")' if name in os.environ else "None"
    assert seen.run("seen") == (0, f"{value}\n", "")


@pytest.mark.parametrize("sandbox", ["off", "on"])
def test_a_crate_of_the_host_that_asks_for_what_the_linker_has_tells_the_key(
    sandbox: str, seen: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells = "".join(f'println!("cargo::warning={{}}", env!("{name}"));' for name in ("PATH", "HOME"))
    seen.write("user-rs/seen/build.rs", f"fn main() {{ {tells} }}")
    seen.write("user-rs/seen/src/main.rs", crates.main())
    for path in (os.environ["PATH"], f"{os.environ['PATH']}:/nowhere"):
        monkeypatch.setenv("PATH", path)
        built = seen.build("seen", f"sandbox={sandbox}")
        assert f"seen v0.1.0: {path}\n" in built.stderr
        assert f"seen v0.1.0: {os.environ['HOME']}\n" in built.stderr


def test_a_variable_that_the_build_sets_for_rustc_is_refused_by_name(seen: Tree) -> None:
    seen.write("user-rs/seen/src/main.rs", crates.main('println!("{:?}", option_env!("CARGO_MAKEFLAGS"));'))
    refused = seen.scons("seen")
    assert refused.code == 2
    assert "reads the environment variable CARGO_MAKEFLAGS, which the build sets for rustc itself" in refused.stderr
    settings = seen.root / "user-rs/.cargo/config.toml"
    settings.write_text(settings.read_text() + '\n[env]\nRUSTC_LOG = { value = "off", force = true }\n')
    seen.write("user-rs/seen/src/main.rs", crates.main('println!("{:?}", option_env!("RUSTC_LOG"));'))
    seen.build("seen")


def test_a_declared_variable_is_the_users_where_it_is_set(seen: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = seen.root / "user-rs/.cargo/config.toml"
    settings.write_text(settings.read_text() + '\n[env]\nWORD = "configured"\n')
    seen.write("user-rs/seen/src/main.rs", crates.main('println!("{}", env!("WORD"));'))
    seen.write("user-rs/seen/build.rs", 'fn main() { println!("cargo::rerun-if-env-changed=WORD"); }')
    for value, expected in ((None, "configured"), ("mine", "mine"), (None, "configured"), ("other", "other")):
        if value is None:
            monkeypatch.delenv("WORD", raising=False)
        else:
            monkeypatch.setenv("WORD", value)
        built = seen.build("seen")
        assert seen.run("seen")[1] == f"{expected}\n"
        assert "core" not in built.done("Compiling"), "std asks for no such variable"
    assert "seen" in built.done("Compiling")


@pytest.mark.parametrize("sandbox", ["off", "on"])
def test_the_environment_is_in_the_order_of_cargos(sandbox: str, seen: Tree) -> None:
    """Some build scripts tell what they find, in the order in which they find it: that of Debian's std does."""
    names = 'std::env::vars().map(|(name, _)| name).collect::<Vec<_>>().join(" ")'
    seen.write("user-rs/seen/build.rs", f'fn main() {{ println!("cargo::rustc-env=NAMES={{}}", {names}); }}')
    seen.write("user-rs/seen/src/main.rs", crates.main('println!("{}", env!("NAMES"));'))
    seen.build("seen", f"sandbox={sandbox}")
    found = [name for name in seen.run("seen")[1].split() if name != "PWD"]  # of the sandbox
    assert "CARGO_MANIFEST_DIR" in found
    assert found == sorted(found)


def test_what_std_reads_of_the_environment_is_found(first: Tree) -> None:
    """Its compilers are told nothing else of `[env]`."""
    texts = [path.read_text() for path in first.root.glob("build/*/release/units/*/dep-info.d")]
    assert any("library/std/src/lib.rs" in text for text in texts)
    of_std = (text for text in texts if "/library/" in text)
    names = {line.partition("=")[0] for text in of_std for line in text.split("# env-dep:")[1:]}
    assert names == {"STD_ENV_ARCH"}
    found = std_environment.read_by(toolchain.find(PROJECT, {}, os.environ).rust_src, {*names, "GREETING", "RUSTC_LOG"})
    assert found == {*names, "RUSTC_LOG"}


def test_what_a_macro_found_out_of_this_checkout_stays_in_it(seen: Tree, tmp_path: Path) -> None:
    """Nobody tells that a macro asked for a folder's name: what holds it is for no other checkout."""
    (seen.root / "targets/x86_64-ostoo-user.loader.json").unlink()
    seen.build("seen")
    assert read(seen.run("seen")[1].split("--")[0])["CARGO_MANIFEST_DIR"] == str(seen.root / "user-rs/seen")
    other = tmp_path / "elsewhere"
    seen.root.rename(other)
    moved = type(seen)(other, seen.cache)
    moved.build("seen")
    assert read(moved.run("seen")[1].split("--")[0])["CARGO_MANIFEST_DIR"] == str(other / "user-rs/seen")


ASKS = """fn main() {
    println!("cargo::rerun-if-env-changed=FIRST");
    println!("cargo:rerun-if-env-changed=SECOND");
    println!("cargo::rustc-env=SAID={}", std::env::var("SECOND").unwrap_or_default());
}"""


def test_a_variable_that_a_script_asks_for_is_in_its_key_wherever_the_result_is_from(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In `build`, as one program and in parts; in the cache, as one program and in parts."""
    for name in ("FIRST", "SECOND"):
        monkeypatch.delenv(name, raising=False)
    crates.add(tree, "asker", "", lib='#![no_std]\npub const SAID: &str = env!("SAID");\n', build=ASKS)
    asks = f"[dependencies]\n{crates.RUNTIME}\n{crates.paths('asker')}"
    crates.add(tree, "seen", asks, main=crates.main('println!("<{}>", asker::SAID);'))
    tree.build("seen")
    clone, parts = copy_of(tree, tmp_path / "clone"), copy_of(tree, tmp_path / "parts")
    # its program is another one, of parts that are in the cache
    parts.replace("user-rs/seen/src/main.rs", "<{}>", "[{}]")

    def sees(place: Tree, value: str) -> Result:
        built = place.build("seen")
        assert place.run("seen")[1][1:-2] == value
        assert place.build("seen").steps == []
        return built

    for value in ("set", "", "other", None, "set"):
        for name in ("FIRST", "SECOND"):
            monkeypatch.delenv(name, raising=False)
        for name in ("FIRST", "SECOND") if value is not None else ():
            monkeypatch.setenv(name, value or "")
            for place in (tree, clone, parts):
                built = sees(place, value or "" if name == "SECOND" else "")
                if value == "other" and place is tree:
                    assert built.stderr.count(f"warning: a build script asks for {name}, which is set here") == 1
        for place in (tree, clone, parts) if value is None else ():
            sees(place, "")
    monkeypatch.setenv("SECOND", "new")
    sees(tree, "new")
    assert sees(copy_of(tree, tmp_path / "third"), "new").done("Compiling") == [], "all of it is in the cache"
    monkeypatch.setenv("SECOND", "\udcff")
    for _ in range(2):
        refused = tree.scons("seen")
        assert refused.code == 2
        assert "the environment variable SECOND is not UTF-8" in refused.stderr
        assert refused.stderr.count("error: ") == 1


DEMANDS = """fn main() {
    println!("cargo::rerun-if-env-changed=DEMANDED");
    println!("cargo::rustc-env=SAID={}", std::env::var("DEMANDED").expect("not DEMANDED"));
}"""


def test_a_script_that_fails_without_the_variable_that_it_asks_for_is_given_it(
    seen: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen.write("user-rs/seen/build.rs", DEMANDS)
    seen.write("user-rs/seen/src/main.rs", crates.main('println!("{}", env!("SAID"));'))
    monkeypatch.delenv("DEMANDED", raising=False)
    failed = seen.scons("seen")
    assert failed.code == 2
    assert "not DEMANDED" in failed.stderr
    for value in ("a", "b"):
        monkeypatch.setenv("DEMANDED", value)
        assert "not DEMANDED" not in seen.build("seen").stderr
        assert seen.run("seen")[1] == f"{value}\n"


def copy_of(tree: Tree, root: Path) -> Tree:
    """Another checkout of the same sources, which has the same cache."""
    return copy_sources(tree, root)


def test_a_declared_variable_whose_value_no_key_can_hold_is_refused(
    seen: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = seen.root / "user-rs/.cargo/config.toml"
    settings.write_text(settings.read_text() + '\n[env]\nWORD = "configured"\nOTHER = { value = "f", force = true }\n')
    seen.write("user-rs/seen/src/main.rs", crates.main('println!("{} {}", env!("WORD"), env!("OTHER"));'))
    seen.write("user-rs/seen/build.rs", "fn main() {}")
    seen.build("seen")
    monkeypatch.setenv("OTHER", "\udcff")
    seen.build("seen")
    assert seen.run("seen")[1] == "configured f\n"
    monkeypatch.setenv("WORD", "a\udcff")
    for _ in range(2):
        refused = seen.scons("seen")
        assert refused.code == 2, refused.stderr
        assert refused.stderr.startswith("error: the environment variable WORD is not UTF-8: b'a\\xff'\n")
        assert refused.stderr.count("error: ") == 1
    monkeypatch.delenv("WORD")
    seen.build("seen")
