"""`./ostoo run`: programs of three processors, here or in QEMU, with their own exit codes, signals and output."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from trees import Result, Tree, copy_tree

from ostoo_build.binary import symbol_table
from ostoo_build.stack import call_graph

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("run")]

PROGRAM = """#![feature(restricted_std)]
#![no_main]

#[no_mangle]
fn main() -> i32 {
    let mut words = ostoo_rt::args().skip(1).map(|word| word.to_str().unwrap());
    match words.next() {
        Some("exit") => words.next().and_then(|code| code.parse().ok()).unwrap_or(99),
        Some("abort") => std::process::abort(),
        Some(word) => {
            println!("{word}");
            eprintln!("that was {word}");
            0
        }
        None => 3,
    }
}
"""
OTHERS = ("aarch64-ostoo-user", "riscv64-ostoo-user")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    made = copy_tree(tmp_path_factory.mktemp("run") / "a folder/checkout", str(shared_cache))
    made.replace("user-rs/hello-std/src/main.rs", (made.root / "user-rs/hello-std/src/main.rs").read_text(), PROGRAM)
    return made


def ostoo(tree: Tree, *arguments: str) -> Result:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", "run", "hello-std", f"cache={tree.cache}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(
        command, cwd=tree.root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_a_program_runs_with_its_arguments(tree: Tree) -> None:
    done = ostoo(tree, "--", "--help", "x")
    assert (done.code, done.stdout) == (0, "--help\n")
    assert done.stderr.endswith("that was --help\n")
    assert "Running" in done.stderr


def test_what_scons_says_is_not_the_programs_output(tree: Tree) -> None:
    ostoo(tree, "--", "x")
    assert ostoo(tree, "--", "x").stdout == "x\n"


@pytest.mark.parametrize("target", ["x86_64-ostoo-user", *OTHERS])
def test_exit_codes_and_signals_are_the_programs_own(tree: Tree, target: str) -> None:
    assert ostoo(tree, f"target={target}", "--", "exit", "7").code == 7
    assert ostoo(tree, f"target={target}").code == 3
    assert ostoo(tree, f"target={target}", "--", "abort").code == -6


@pytest.mark.parametrize("target", OTHERS)
def test_a_program_of_another_processor_runs_in_qemu(tree: Tree, target: str) -> None:
    assert not target.startswith(platform.machine()), "on this machine the test would prove nothing"
    done = ostoo(tree, f"target={target}", "--", "word")
    assert (done.code, done.stdout) == (0, "word\n")
    assert "qemu-" in done.stderr


@pytest.mark.parametrize("target", ["x86_64-ostoo-user", *OTHERS])
def test_system_calls_are_told(tree: Tree, target: str) -> None:
    done = ostoo(tree, f"target={target}", "--syscalls", "--", "exit", "5")
    assert done.code == 5
    rows = [line.split() for line in done.stderr.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
    names = {row[1]: row[2] for row in rows}
    exit_group = {"x86_64-ostoo-user": "231"}.get(target, "94")
    assert names["exit_group"] == exit_group


@pytest.mark.parametrize("target", ["x86_64-ostoo-user", *OTHERS])
def test_code_tells_at_least_the_frames_that_the_compiler_tells(tree: Tree, target: str) -> None:
    assert ostoo(tree, f"target={target}", "--", "exit", "0").code == 0
    program = symbol_table.read_program(tree.root / "build" / target / "release/hello-std.debug")
    told = symbol_table.frame_sizes(program)
    code = call_graph.code_of(program, symbol_table.functions(program, symbol_table.symbols(program)))
    found = {each.function.address: each for each in call_graph.function_stacks(program, code, {})}
    both = [(found[address], frame) for address, frame in told.items() if address in found]
    assert len(both) > 100
    assert [(each.function.name, each.frame, frame) for each, frame in both if each.frame < frame] == []
    assert [each.function.name for each, _ in both if each.unknown] == []


def test_a_call_that_the_kernel_lacks_is_named(tree: Tree) -> None:
    hidden = "let _ = unsafe { ostoo_rt::syscall::syscall0(std::hint::black_box(102)) };"
    tree.replace("user-rs/hello-std/src/main.rs", "    let mut words", f"    {hidden}\n    let mut words")
    done = ostoo(tree, "--syscalls", "--", "exit", "0")
    assert [line.split() for line in done.stderr.splitlines() if line.endswith("ostoo lacks it")] == [
        ["1", "getuid", "102", "ostoo", "lacks", "it"]
    ]


def test_a_failed_build_runs_nothing(tree: Tree) -> None:
    tree.replace("user-rs/hello-std/src/main.rs", "fn main()", "fn main(")
    done = ostoo(tree, "--", "x")
    assert (done.code, done.stdout) == (2, "")
    assert "Running" not in done.stderr


def test_a_word_that_is_no_variable_is_refused(tree: Tree) -> None:
    done = ostoo(tree, "hello-rs")
    assert done.code == 2
    assert "hello-rs is not of the form VARIABLE=VALUE; put the program's arguments after --" in done.stderr
