"""What the linker reads is an input: whatever names a file, its edit is in the next program, and nothing else is."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import planners
import pytest
from trees import PROJECT, TARGET

from ostoo_build.toolchain import digest as toolchain_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trees import Result, Tree

pytestmark = pytest.mark.compiler

MAIN = """\
//! Prints addresses that only the linker knows.
#![no_std]
#![no_main]
use ostoo_rt::println;
#[allow(missing_docs)]
extern "C" {{ {statics} }}
#[no_mangle]
fn main() -> i32 {{
    {prints}
    0
}}
"""


def program(tree: Tree, *symbols: str) -> None:
    """A program `greet` that prints the address of each symbol."""
    tree.ostoo("new", "greet")
    statics = " ".join(f"static {symbol}: u8;" for symbol in symbols)
    prints = "\n    ".join(f'println!("{symbol} {{:#x}}", &raw const {symbol} as usize);' for symbol in symbols)
    tree.write("user-rs/greet/src/main.rs", MAIN.format(statics=statics, prints=prints))


def printed(tree: Tree) -> dict[str, int]:
    code, stdout, stderr = tree.run("greet")
    assert code == 0, stderr
    return {name: int(value, 16) for name, value in (line.split() for line in stdout.splitlines())}


def script(tree: Tree, *arguments: str) -> None:
    """Have the program's build script name arguments of the linker; `{dir}` is its package."""
    lines = "".join(f'println!("cargo::rustc-link-arg={argument}");' for argument in arguments)
    source = f'fn main() {{ let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap(); let _ = &dir; {lines} }}'
    tree.write("user-rs/greet/build.rs", source)


def assemble(path: Path, symbol: str, value: int) -> Path:
    """An object that gives a symbol a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = f".globl {symbol}\n{symbol} = {value:#x}\n"
    subprocess.run(["as", "-o", path], input=source, text=True, check=True)
    return path


def archive(path: Path, symbol: str, value: int, *, thin: bool = False) -> None:
    member = assemble(path.with_suffix(".o"), symbol, value)
    path.unlink(missing_ok=True)
    subprocess.run(["ar", "rcsT" if thin else "rcs", path, member], check=True)
    if not thin:
        member.unlink()


def texts(tree: Tree, name: str, text: str, value: int) -> None:
    tree.write(f"user-rs/greet/{name}", text.format(value=f"{value:#x}"))


def test_what_only_the_linker_reads_is_in_the_key_of_the_whole_program(tree: Tree) -> None:
    """Its build script names other files in `rerun-if-changed`, and nobody else opens it."""
    program(tree, "script")
    script(tree, "{dir}/a.ld")
    tree.replace("user-rs/greet/build.rs", "let _ = &dir;", 'println!("cargo::rerun-if-changed=build.rs");')
    for value in (1, 2, 1):
        texts(tree, "a.ld", "script = {value};", value)
        tree.build("greet")
        assert printed(tree) == {"script": value}
        assert not tree.build("greet").steps


def test_an_edit_of_whatever_the_linker_reads_is_in_the_next_program(tree: Tree) -> None:
    folder = tree.root / "user-rs/greet"
    kinds: dict[str, Callable[[int], object]] = {
        "script": lambda value: texts(tree, "a.ld", "script = {value};", value),
        "included": lambda value: texts(tree, "inner.ld", "included = {value};", value),
        "response": lambda value: texts(tree, "words", "--defsym=response={value}", value),
        "object": lambda value: assemble(folder / "object.o", "object", value),
        "by_path": lambda value: archive(folder / "by_path.a", "by_path", value),
        "by_name": lambda value: archive(folder / "lib/libby_name.a", "by_name", value),
        "thin": lambda value: archive(folder / "thin.a", "thin", value, thin=True),
        "just": lambda value: assemble(folder / "just.o", "just", value),
        "inside": lambda value: assemble(folder / "inside.o", "inside", value),
    }
    program(tree, *kinds)
    tree.write("user-rs/greet/outer.ld", "INCLUDE greet/inner.ld")
    tree.write("user-rs/greet/input.ld", "INPUT(greet/inside.o)")
    script(
        tree,
        *("{dir}/a.ld", "{dir}/outer.ld", "@{dir}/words", "greet/object.o", "{dir}/by_path.a"),
        *("-L{dir}/lib", "-lby_name", "{dir}/thin.a", "--just-symbols={dir}/just.o", "{dir}/input.ld"),
    )
    for number, change in enumerate(kinds.values(), 1):
        change(number)
    tree.build("greet")
    expected = {name: number for number, name in enumerate(kinds, 1)}
    assert printed(tree) == expected
    for number, (name, change) in enumerate(kinds.items(), 0x101):
        change(number)
        result = tree.build("greet")
        expected[name] = number
        assert printed(tree) == expected, f"{name} was edited"
        assert "greet" in result.done("Linking")
    tree.build("-c", "greet")
    tree.build("greet")
    assert printed(tree) == expected, "the cache had an older one under this key"
    kinds["included"](2)
    tree.build("greet")
    assert printed(tree) == {**expected, "included": 2}


SPEC = {
    "pre-link-args": {"gnu-lld": ["-Tlinker/before.ld", "@linker/words"]},
    "late-link-args": {"gnu-lld": ["linker/late.ld"]},
    "post-link-args": {"gnu-lld": ["-Llinker/lib", "-lafter", "linker/thin.a"]},
    "pre-link-objects": {"static-nopic-exe": ["linker/first.o"]},
    "post-link-objects": {"static-nopic-exe": ["linker/last.o"]},
    "link-script": "INCLUDE linker/own.ld",
}


def give_spec(tree: Tree) -> dict[str, Callable[[int], object]]:
    """Have the target spec name files of each kind; each function gives the symbol of that name a value by one."""
    folder = tree.root / "user-rs/linker"
    path = tree.root / "targets" / f"{TARGET}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **SPEC}))
    policy = tree.root / "targets/policy.schema.json"
    demands = json.loads(policy.read_text())
    demands["$defs"]["no-objects"] = {}
    policy.write_text(json.dumps(demands))
    return {
        "before": lambda value: tree.write("user-rs/linker/before.ld", f"before = {value};"),
        "response": lambda value: tree.write("user-rs/linker/words", f"--defsym=response={value}"),
        "late": lambda value: tree.write("user-rs/linker/late.ld", f"late = {value};"),
        "after": lambda value: archive(folder / "lib/libafter.a", "after", value),
        "thin": lambda value: archive(folder / "thin.a", "thin", value, thin=True),
        "first": lambda value: assemble(folder / "first.o", "first", value),
        "last_of_all": lambda value: assemble(folder / "last.o", "last_of_all", value),
        "own": lambda value: tree.write("user-rs/linker/own.ld", f"own = {value};"),
    }


CONFIGURED = """
[target.x86_64-ostoo-user]
rustflags = [
    "-Lnative=../sysroot/x86_64-ostoo-user/lib",
    "-C", "link-arg=linker/one.ld", "-Clink-arg=linker/two.ld", "--codegen", "link-arg=linker/three.ld",
    "--codegen=link_args=linker/four.ld --defsym=last=1", "-Zpre-link-arg=linker/five.ld", "-L", "native=libs",
    "-Clink-arg=-lsix", "-Clink-arg=--defsym=last=2", "-Clinker=rust-lld",
]
"""


@pytest.mark.long
def test_flags_of_every_spelling_and_target_specs_mean_the_files_that_cargo_means(tree: Tree) -> None:
    """All in one program: each of these trees has core compiled. Flags, profile and spec are others for no script."""
    kinds = give_spec(tree)
    names = ("one", "two", "three", "four", "five", "six", "last")
    program(tree, *names, *kinds)
    script(tree, "--defsym=last=3")
    config = tree.root / "user-rs/.cargo/config.toml"
    text = config.read_text()
    old = text[text.index("[target.x86_64-ostoo-user]") : text.index("[target.aarch64-ostoo-user]")]
    tree.replace("user-rs/.cargo/config.toml", old, CONFIGURED)
    tree.replace("user-rs/Cargo.toml", 'opt-level = "s"', "opt-level = 2")
    for number, name in enumerate(names[:5], 1):
        tree.write(f"user-rs/linker/{name}.ld", f"{name} = {number};")
        tree.write(f"linker/{name}.ld", f"{name} = 99;")  # where the build itself runs: no file of cargo's
    (tree.root / "user-rs/libs").mkdir()
    archive(tree.root / "user-rs/libs/libsix.a", "six", 6)
    for number, change in enumerate(kinds.values(), 0x101):
        change(number)
    compiled = [step for step in tree.build("greet").steps if step.startswith("Compiling")]
    assert {"core", "alloc", "ostoo-rt", "greet"} <= {step.split()[1] for step in compiled}
    assert [step for step in compiled if "(build script)" in step] == ["Compiling greet v0.1.0 (build script)"]
    expected = {name: number for number, name in enumerate(names[:6], 1)} | {"last": 3}
    expected |= {name: number for number, name in enumerate(kinds, 0x101)}
    assert printed(tree) == expected
    tree.write("user-rs/linker/four.ld", "four = 0x44;")
    archive(tree.root / "user-rs/libs/libsix.a", "six", 0x66)
    assert tree.build("greet").done("Compiling") == []
    expected |= {"four": 0x44, "six": 0x66}
    assert printed(tree) == expected
    for number, (name, change) in enumerate(kinds.items(), 0x201):
        change(number)
        result = tree.build("greet")
        expected[name] = number
        assert printed(tree) == expected, f"{name} was edited"
        assert (result.done("Compiling"), result.done("Linking")) == ([], ["greet"])
    assert is_quiet(tree.build("greet"))


def is_quiet(result: Result) -> bool:
    return result.steps == []


def refusal(tree: Tree, *words: str) -> str:
    result = tree.scons("greet")
    assert result.code == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert all(word in result.stderr for word in words), result.stderr
    return result.stderr


def test_a_file_that_nobody_declared_is_refused_by_name_until_it_is_declared(tree: Tree, tmp_path: Path) -> None:
    program(tree, "magic")
    script(tree, "{dir}/../shared/magic.ld")
    tree.write("user-rs/shared/magic.ld", "magic = 1;")
    said = refusal(tree, "the link reads user-rs/shared/magic.ld", "user-rs/greet/Cargo.toml")
    assert "[package.metadata.ostoo]" in said
    assert not tree.program("greet").exists()
    manifest = (tree.root / "user-rs/greet/Cargo.toml").read_text()
    tree.write("user-rs/greet/Cargo.toml", f'{manifest}[package.metadata.ostoo]\ninputs = ["../shared/*"]\n')
    tree.build("greet")
    assert printed(tree) == {"magic": 1}
    tree.write("user-rs/shared/magic.ld", "magic = 2;")
    tree.build("greet")
    assert printed(tree) == {"magic": 2}
    outside = tmp_path / "outside.ld"
    outside.write_text("magic = 3;")
    script(tree, str(outside))
    refusal(tree, f"the link reads {outside}", "copy it into the checkout")
    (tmp_path / "words").write_text("--defsym=magic=4")
    script(tree, f"@{tmp_path}/words")
    refusal(tree, f"the link reads {tmp_path}/words")


def test_a_static_library_that_a_crate_takes_in_has_to_be_its_own(tree: Tree) -> None:
    program(tree, "taken")
    tree.replace("user-rs/greet/src/main.rs", 'extern "C" {', '#[link(name = "taken")]\nextern "C" {')
    asked = ("rustc-link-search=native={dir}/../libs", "rustc-link-lib=static=taken")
    lines = "".join(f'println!("cargo::{each}");' for each in asked)
    source = f'fn main() {{ let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap(); {lines} }}'
    tree.write("user-rs/greet/build.rs", source)
    (tree.root / "user-rs/libs").mkdir()
    archive(tree.root / "user-rs/libs/libtaken.a", "taken", 1)
    refusal(tree, "the crate reads user-rs/libs/libtaken.a, which is not among its declared inputs")
    manifest = (tree.root / "user-rs/greet/Cargo.toml").read_text()
    tree.write("user-rs/greet/Cargo.toml", f'{manifest}[package.metadata.ostoo]\ninputs = ["../libs/*.a"]\n')
    tree.build("greet")
    assert printed(tree) == {"taken": 1}
    archive(tree.root / "user-rs/libs/libtaken.a", "taken", 2)
    tree.build("greet")
    assert printed(tree) == {"taken": 2}


def test_the_toolchain_vouches_for_what_its_digest_holds_and_for_nothing_else() -> None:
    made = planners.opened(PROJECT)
    chosen = made.tools.toolchain
    for _, path in toolchain_digest.files(chosen):
        assert made.paths.is_in(path, made.paths.of_tools), path
    for name in ("lib/rustlib/x86_64-unknown-linux-musl/lib/self-contained/libc.a", "lib/x86_64-linux-gnu/libz.a"):
        assert not made.paths.is_in(chosen.rustc.parent.parent / name, made.paths.of_tools)


BUNDLES = {
    "in a source": ('#[link(name = "taken", kind = "static")] extern "C" { pub static taken: u8; }', ()),
    "by a macro": (
        """macro_rules! taken {
            ($name:literal) => { #[link(name = $name, kind = "static")] extern "C" { pub static taken: u8; } };
        }
        taken!("taken");""",
        (),
    ),
    "whole": (
        '#[link(name = "taken", kind = "static", modifiers = "+whole-archive")] extern "C" { pub static taken: u8; }',
        (),
    ),
    "by another name": (
        '#[link(name = "other", kind = "static")] extern "C" { pub static taken: u8; }',
        ("rustc-link-lib=static=other:taken",),
    ),
    "verbatim": (
        'extern "C" { pub static taken: u8; }',
        ("rustc-link-lib=static:+verbatim=libtaken.a",),
    ),
}


@pytest.mark.parametrize("how", BUNDLES)
def test_a_static_library_that_a_librarys_source_names_has_to_be_its_own(how: str, tree: Tree) -> None:
    """The library's code is in the crate then: no link reads it again."""
    source, asked = BUNDLES[how]
    program(tree)
    tree.write("user-rs/low/src/lib.rs", f"#![no_std]\n#![allow(missing_docs)]\n{source}\n")
    says = "".join(f'println!("cargo::{each}");' for each in (*asked, "rustc-link-search=native=../libs"))
    tree.write("user-rs/low/build.rs", f"fn main() {{ {says} }}".replace("../libs", "libs"))
    head = '[package]\nname = "low"\nversion = "0.1.0"\nedition = "2021"\n'
    tree.write("user-rs/low/Cargo.toml", head)
    tree.replace("user-rs/Cargo.toml", "members = [", 'members = ["low", ')
    tree.replace("user-rs/greet/Cargo.toml", "[dependencies]\n", '[dependencies]\nlow = { path = "../low" }\n')
    tree.replace(
        "user-rs/greet/src/main.rs", "    0\n", '    println!("taken {:#x}", &raw const low::taken as usize);\n    0\n'
    )
    (tree.root / "user-rs/libs").mkdir()
    archive(tree.root / "user-rs/libs/libtaken.a", "taken", 1)
    refusal(tree, "the crate reads user-rs/libs/libtaken.a, which is not among its declared inputs", "user-rs/low")
    tree.write("user-rs/low/Cargo.toml", f'{head}[package.metadata.ostoo]\ninputs = ["../libs/*.a"]\n')
    for value in (1, 2):
        archive(tree.root / "user-rs/libs/libtaken.a", "taken", value)
        tree.build("greet")
        assert printed(tree) == {"taken": value}


def test_a_program_without_an_entry_is_refused(tree: Tree) -> None:
    tree.ostoo("new", "--std", "greet")
    tree.write("user-rs/greet/src/main.rs", '#![feature(restricted_std)]\nfn main() { println!("hi"); }\n')
    (tree.root / "targets/x86_64-ostoo-user.loader.json").unlink()
    said = refusal(tree, "the program greet has no entry point: no object defines the symbol _start", "ostoo-rt")
    assert not tree.program("greet").exists()
    assert 'let libc start it: write crt = "musl" in the table [targets.x86_64-ostoo-user] of ostoo.toml' in said
    tree.write("ostoo.toml", '[targets.x86_64-ostoo-user]\ncrt = "musl"\n')
    tree.build("greet", "hello-std")
    assert tree.run("greet")[1] == "hi\n"
    assert tree.run("hello-std")[0] == 0, "its runtime crate starts it, as before"


def flags(tree: Tree, *words: str) -> None:
    config = (tree.root / "user-rs/.cargo/config.toml").read_text()
    listed = ", ".join(f'"{word}"' for word in words)
    start, end = config.index("[target.x86_64-ostoo-user]"), config.index("[target.aarch64-ostoo-user]")
    tree.write(
        "user-rs/.cargo/config.toml",
        f"{config[:start]}[target.x86_64-ostoo-user]\nrustflags = [{listed}]\n\n{config[end:]}",
    )


@pytest.mark.parametrize("words", [["-Ctarget-cpu=native"], ["--codegen", "target-cpu=native"], ["@flags"]])
def test_a_flag_that_depends_on_the_machine_is_refused(tree: Tree, words: Sequence[str]) -> None:
    flags(tree, *words)
    result = tree.scons("hello-rs")
    assert result.code == 2
    assert f"the flag `{' '.join(words)}` is not allowed" in result.stderr
    assert "user-rs/.cargo/config.toml" in result.stderr


@pytest.mark.parametrize("argument", ["--plugin-opt=mcpu=native", "-Map=greet.map", "--lto-sample-profile=x"])
def test_a_link_argument_of_a_script_is_held_to_the_rules_for_flags(tree: Tree, argument: str) -> None:
    program(tree)
    script(tree, argument)
    refusal(tree, f"the link argument `{argument}` is not allowed", "user-rs/greet/build.rs")
    script(tree, "--gc-sections")
    tree.build("greet")
    assert printed(tree) == {}
