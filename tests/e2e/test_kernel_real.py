"""A kernel's tree as the manual describes it, with profiles that say nothing: built as the real cargo builds it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import beside_cargo
import pytest
from beside_cargo import arguments_of, defaults_of
from elftools.elf.elffile import ELFFile
from trees import PROJECT, Tree, copy_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compiler

MEMBERS = '[workspace]\nresolver = "2"\nmembers = ["boot", "mid", "words"]\n'
SETTINGS = (PROJECT / "docs/manual.md").read_text(encoding="utf-8")
MAIN = """#![no_std]
#![no_main]
use core::panic::PanicInfo;
#[panic_handler]
fn panic(_: &PanicInfo) -> ! { loop {} }
#[cfg(panic = "abort")]
#[used]
static STRATEGY: [u8; 14] = *b"boot: aborting";
#[cfg(panic = "unwind")]
#[used]
static STRATEGY: [u8; 15] = *b"boot: unwinding";
#[no_mangle]
pub extern "C" fn _start() -> ! {
    let said = [mid::strategy(), words::word!(), env!("SCRIPT")];
    for text in said { core::hint::black_box(text); }
    assert!(core::hint::black_box(said.len()) == 3);
    loop {}
}
"""
MID = """#![no_std]
pub fn strategy() -> &'static str {
    if cfg!(panic = "abort") { "mid: aborting" } else { "mid: unwinding" }
}
"""
WORDS = """extern crate proc_macro;
#[proc_macro]
pub fn word(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let how = if cfg!(panic = "abort") { "aborting" } else { "unwinding" };
    format!("\\"words: {how}\\"").parse().unwrap()
}
"""
SCRIPT = """fn main() {
    let mut how: Vec<_> = std::env::vars().filter(|(name, _)| name == "CARGO_CFG_PANIC").map(|(_, how)| how).collect();
    how.push(if cfg!(panic = "abort") { "aborting" } else { "unwinding" }.into());
    println!("cargo::rustc-env=SCRIPT=script: {}", how.join(" "));
}"""


def of_manual() -> str:
    """The configuration that the manual shows for a kernel."""
    text = SETTINGS[SETTINGS.index("    kernel/.cargo/config.toml") :]
    shown = text[: text.index("\n\n")].replace("kernel/.cargo/config.toml", "")
    return re.sub(r"(?m)^ +", "", shown)


@dataclass(frozen=True)
class Kind:
    """A kernel's tree: the panic strategy that its target spec names, and its profiles."""

    strategy: str | None
    profiles: str = ""
    unstable: str = ""


def both_say(line: str) -> str:
    return "".join(f"[profile.{profile}]\n{line}\n" for profile in ("dev", "release"))


OTHERS = (
    '[profile.dev]\nopt-level = 1\n[profile.release]\nlto = "thin"\n[profile.release.build-override]\nopt-level = 1\n'
)
KINDS = {
    "spec aborts, profiles say nothing": Kind("abort"),
    "spec aborts, profiles say unwind": Kind("abort", both_say('panic = "unwind"')),
    "spec aborts, profiles say other things": Kind("abort", OTHERS),
    "spec says nothing, profiles abort": Kind(None, both_say('panic = "abort"')),
    "spec unwinds, profiles abort": Kind("unwind", both_say('panic = "abort"') + "lto = true\n"),
    "profiles abort at once": Kind("abort", both_say('panic = "immediate-abort"'), "panic-immediate-abort = true\n"),
}


def make(tree: Tree, kind: Kind) -> None:
    files = {
        "Cargo.toml": f"{MEMBERS}{kind.profiles}\n",
        ".cargo/config.toml": of_manual() + "\n" + kind.unstable,
        "boot/Cargo.toml": '[package]\nname = "boot"\nedition = "2021"\n[dependencies]\n'
        'mid = { path = "../mid" }\nwords = { path = "../words" }\n',
        "boot/src/main.rs": MAIN,
        "boot/build.rs": SCRIPT,
        "mid/Cargo.toml": '[package]\nname = "mid"\nedition = "2021"\n',
        "mid/src/lib.rs": MID,
        "words/Cargo.toml": '[package]\nname = "words"\nedition = "2021"\n[lib]\nproc-macro = true\n',
        "words/src/lib.rs": WORDS,
    }
    for name, text in files.items():
        tree.write(f"kernel/{name}", text)
    if kind.strategy != "abort":  # the project's own policy, which other projects do not have
        policy = tree.root / "targets/policy.schema.json"
        demands = json.loads(policy.read_text(encoding="utf-8"))
        del demands["properties"]["panic-strategy"]
        demands["required"].remove("panic-strategy")
        policy.write_text(json.dumps(demands), encoding="utf-8")
    spec = "targets/x86_64-ostoo-kernel.json"
    said = "" if kind.strategy is None else f'  "panic-strategy": "{kind.strategy}",\n'
    tree.replace(spec, '  "panic-strategy": "abort",\n', said)


def panics(arguments: list[str]) -> list[tuple[str, str]]:
    return [each for each in arguments_of(arguments) if each[0] == "-C panic"]


@pytest.mark.parametrize("profile", ["release", "dev"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_kernels_crates_get_the_arguments_that_cargo_gives_them(kind: str, profile: str, tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "checkout", "off")
    make(tree, KINDS[kind])
    both = beside_cargo.both_ways(tree, "kernel", "boot", profile, tmp_path / "cargo")
    compared = set()
    for name, theirs, unit in both.compilations():
        ours = [both.planner.paths.expand(word) for word in unit.arguments]
        if not unit.is_std:
            assert sorted(arguments_of(ours)) == sorted(arguments_of(theirs.arguments)), name
        assert panics(ours) == panics(theirs.arguments), name
        assert defaults_of(ours) == defaults_of(theirs.arguments), name
        compared.add(name.partition(":")[0])
    assert {"core", "compiler_builtins", "boot", "mid", "words"} <= compared


@pytest.mark.long
def test_a_kernel_is_built_that_aborts_though_its_spec_unwinds(tree: Tree) -> None:
    """That of test_targets_real is built where only the spec says so; each has core compiled."""
    make(tree, KINDS["spec unwinds, profiles abort"])
    tree.build("boot")
    program = tree.root / "build/x86_64-ostoo-kernel/release/boot"
    with program.open("rb") as stream:
        assert ELFFile(stream)["e_machine"] == "EM_X86_64"
    content = program.read_bytes()
    for said in (b"boot: aborting", b"mid: aborting", b"words: unwinding", b"script: "):
        assert said in content, said
    assert tree.build("boot").steps == []
    # the strategy of what runs here is this machine's
    assert b"unwinding" in content[content.index(b"script: ") :][:40]


@pytest.fixture
def foreign(tree: Tree) -> Tree:
    """The programs' workspace with profiles that say nothing, as most trees have them."""
    manifest = tree.root / "user-rs/Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text[: text.index("[profile.release]")], encoding="utf-8")
    return tree


@pytest.mark.parametrize("profile", ["release", "dev"])
def test_programs_whose_profiles_say_nothing_are_built_as_cargo_builds_them(
    profile: str, foreign: Tree, tmp_path: Path
) -> None:
    """Compared, not built: the kernel of test_targets_real is built from such a profile, core and all."""
    for program in ("hello-std", "hello-rs"):
        both = beside_cargo.both_ways(foreign, "user-rs", program, profile, tmp_path / program)
        for name, theirs, unit in both.compilations():
            ours = [both.planner.paths.expand(word) for word in unit.arguments]
            assert panics(ours) == panics(theirs.arguments), name
            assert defaults_of(ours) == defaults_of(theirs.arguments), name


REFUSED = {
    "[profile.release.package.mid]\npanic = 'abort'": "`panic` may not be specified in a `package` profile",
    "[profile.release.build-override]\npanic = 'abort'": "`panic` may not be specified in a `build-override` profile",
    "[profile.release]\npanic = 'sometimes'": "sometimes",
    "[profile.release]\npanic = 'immediate-abort'": "immediate-abort",
}


@pytest.mark.parametrize("profiles", REFUSED)
def test_what_cargo_refuses_of_profiles_is_told_in_its_words(profiles: str, tree: Tree) -> None:
    make(tree, Kind("abort", profiles))
    refused = tree.scons("boot")
    assert refused.code == 2
    assert refused.stderr.count("error: ") == 1
    assert "Traceback" not in refused.stderr
    assert REFUSED[profiles] in refused.stderr
