"""`./ostoo stack` and `./ostoo size`: held against what a real program uses, and against its file, byte by byte."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from trees import Result, Tree, copy_tree

from ostoo_build.binary.demangle import demangle
from ostoo_build.binary.symbol_table import read_program, symbols
from ostoo_build.toolchain import find as toolchain

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("reports")]

# main paints the stack below it, has `work` done, and writes how many bytes of it were used: no text is formatted.
PROGRAM = """#![no_std]
#![no_main]

use core::hint::black_box;
use core::ptr;
extern crate ostoo_rt;

#[inline(never)]
fn work(n: usize) -> usize {
    let array = black_box([n as u8; SIZE]);
    array.iter().fold(0, |sum, each| sum ^ usize::from(*each)) + more(n)
}

#[inline(never)]
fn more(n: usize) -> usize {
    black_box(n) + 1
}

#[no_mangle]
fn main() -> i32 {
    let here = black_box(0_u8);
    let top = &raw const here as usize;
    let low = top - (128 << 10);
    let mut at = low;
    while at < top - 1024 {
        unsafe { ptr::write_volatile(at as *mut u8, 0xAA) };
        at += 1;
    }
    black_box(work(black_box(3)));
    at = low;
    while unsafe { ptr::read_volatile(at as *const u8) } == 0xAA {
        at += 1;
    }
    let used = black_box(top - at);
    unsafe { ostoo_rt::syscall::syscall3(1, 1, &raw const used as usize, 8) };
    0
}
"""
RECURSIVE = """
trait Step {
    fn step(&self, n: usize) -> usize;
}

struct Half;
struct Same;

impl Step for Half {
    #[inline(never)]
    fn step(&self, n: usize) -> usize {
        black_box(n) / 2
    }
}

impl Step for Same {
    #[inline(never)]
    fn step(&self, n: usize) -> usize {
        black_box(n)
    }
}

#[inline(never)]
fn again(n: usize, way: &dyn Step) -> usize {
    if n == 0 { 0 } else { black_box(again(way.step(n - 1), way)) + 1 }
}

#[inline(never)]
fn more(n: usize) -> usize {
    let way: &dyn Step = if black_box(n) > 2 { &Half } else { &Same };
    again(n, black_box(way))
}
"""
MORE = """
#[inline(never)]
fn more(n: usize) -> usize {
    black_box(n) + 1
}
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    made = copy_tree(tmp_path_factory.mktemp("reports") / "checkout", str(shared_cache))
    write(made, 20 << 10)
    return made


def write(tree: Tree, array: int, more: str = MORE) -> None:
    tree.write("user-rs/hello-rs/src/main.rs", PROGRAM.replace("SIZE", str(array)).replace(MORE, more))


def ostoo(tree: Tree, *arguments: str) -> Result:
    verb, program, *rest = arguments
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", verb, program, f"cache={tree.cache}", *rest]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(
        command, cwd=tree.root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_the_bound_covers_what_a_program_really_uses_and_little_more(tree: Tree) -> None:
    write(tree, 20 << 10)
    told = ostoo(tree, "stack", "hello-rs")
    assert told.code == 0, told.stderr
    bound = re.search(r"^bounded: hello-rs needs at most (\d+) bytes", told.stdout, re.MULTILINE)
    assert bound, told.stdout
    used = int.from_bytes(subprocess.run([tree.program("hello-rs")], capture_output=True, check=True).stdout, "little")
    assert 20 << 10 < used <= int(bound[1]) < used + 512
    assert re.search(r"^ +\d+ +\d+  hello_rs::work$", told.stdout, re.MULTILINE)
    assert "it fits into the loader's stack of 32768 bytes" in told.stdout


def test_a_stack_that_the_loader_does_not_give_fails(tree: Tree) -> None:
    write(tree, 40 << 10)
    told = ostoo(tree, "stack", "hello-rs")
    assert told.code == 1
    assert "too much for the loader's stack of 32768 bytes" in told.stdout


def test_recursion_and_calls_through_a_vtable_are_told(tree: Tree) -> None:
    write(tree, 20 << 10, RECURSIVE)
    told = ostoo(tree, "stack", "hello-rs")
    assert told.code == 0, told.stderr
    assert "recursion 1: hello_rs::again\n" in told.stdout
    assert re.search(r"^ +1 +hello_rs::again$", told.stdout, re.MULTILINE)
    assert "not bounded, because of 1 recursion, 1 indirect call: the known part needs" in told.stdout
    taken = re.search(r"each indirect call may reach any of (\d+) functions whose address is taken", told.stdout)
    assert taken
    assert int(taken[1]) >= len(("Half", "Same"))
    assert "the known part fits into the loader's stack" in told.stdout


@pytest.mark.parametrize("name", ["hello-rs", "hello-std", "cat-rs"])
def test_the_rows_of_a_report_are_the_whole_file(tree: Tree, name: str) -> None:
    assert ostoo(tree, "size", name).code == 0
    report = json.loads((tree.root / "build/reports/x86_64-ostoo-user/release" / name / "size/report.json").read_text())
    assert sum(part["size"] for part in report["parts"]) == tree.program(name).stat().st_size
    crates = {part["crate"] for part in report["parts"]}
    assert {name.replace("-", "_"), "ostoo_rt", "[headers]"} <= crates
    assert ("musl" in crates) == (name == "hello-std")


def test_a_comparison_names_the_function_that_grew(tree: Tree) -> None:
    write(tree, 20 << 10)
    assert ostoo(tree, "size", "hello-rs").code == 0
    write(tree, 20 << 10, MORE.replace("black_box(n) + 1", "black_box(n) + " + " ^ ".join(["black_box(n)"] * 40)))
    told = ostoo(tree, "size", "hello-rs", "--compare")
    assert told.code == 0, told.stderr
    changes = told.stdout.partition("function, data\n")[2].splitlines()
    assert re.fullmatch(r" +\+\d+ +\d+ +\d+  hello_rs +hello_rs::more", changes[0])
    again = ostoo(tree, "size", "hello-rs", "--compare", "build/x86_64-ostoo-user/release/hello-rs.debug")
    assert "no size changed" in again.stdout


def test_a_report_is_made_once(tree: Tree) -> None:
    write(tree, 20 << 10)
    ostoo(tree, "stack", "hello-rs")
    assert "Reporting" not in ostoo(tree, "stack", "hello-rs").stderr
    (tree.root / "build/reports/x86_64-ostoo-user/release/hello-rs/stack/report.json").write_text("{}")
    assert ostoo(tree, "stack", "hello-rs").code == 0


def test_a_build_without_a_report_makes_none(tree: Tree) -> None:
    assert not any(step.startswith("Reporting") for step in tree.build("hello-rs").stderr.split("   "))


def test_there_is_nothing_to_compare_with_at_first(tree: Tree) -> None:
    told = ostoo(tree, "size", "cat-rs", "--compare")
    assert told.code == 2
    assert "there is no earlier report on cat-rs" in told.stderr


def test_names_are_those_that_rustcs_own_library_writes(first: Tree, tmp_path: Path) -> None:
    found = toolchain.find(first.root, {}, os.environ)
    assert found is not None
    (library,) = found.rust_src.glob("vendor/rustc-demangle-*/src/lib.rs")
    (tmp_path / "main.rs").write_text(
        "fn main() { for line in std::io::stdin().lines() {"
        ' println!("{:#}", rustc_demangle::demangle(&line.unwrap())); } }'
    )
    rustc = [str(found.rustc), "--edition=2021", "--cap-lints=allow"]
    environment = {**os.environ, **dict(found.env)}
    subprocess.run(
        [*rustc, "--crate-type=rlib", "--crate-name=rustc_demangle", str(library)],
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    subprocess.run(
        [*rustc, "--extern=rustc_demangle=librustc_demangle.rlib", "main.rs"], cwd=tmp_path, env=environment, check=True
    )
    names = [each.name for each in symbols(read_program(first.program("hello-std.debug")))]
    oracle = subprocess.run(
        [tmp_path / "main"], input="\n".join(names), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(names) > 100
    assert [demangle(name).text for name in names] == oracle
