"""`./ostoo addr2line` and `./ostoo gdb`, on what real compilers wrote, beside binutils' word for the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from trees import Result, Tree, copy_tree

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions as symbols
from ostoo_build.binary.source_lines import SourceLines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("run")]

C_PROGRAM = """
static inline __attribute__((always_inline)) int twice(int x) {
    return x * 2 + (x >> 3);
}

struct pair { int a, b; };

int work(struct pair *p) {
    int sum = twice(p->a);
    return sum + twice(p->b);
}

int main(int count, char **words) {
    struct pair p = { count, words[0][0] };
    return work(&p);
}
"""
COMMANDS = "break main\ncontinue\nbt\nlist printable.rs:9,11\nkill\nquit\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Tree:
    made = copy_tree(tmp_path_factory.mktemp("debugger") / "a folder/checkout", str(shared_cache))
    made.build("hello-rs", "hello-std")
    return made


def ostoo(tree: Tree, *arguments: str, typed: str = "") -> Result:
    command = [sys.executable, "-P", "-m", "ostoo_build.cli", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons")}
    done = subprocess.run(
        command, cwd=tree.root, env=environment, input=typed, capture_output=True, text=True, timeout=900, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def binutils(program: Path, addresses: Iterable[int]) -> list[list[tuple[str, str]]]:
    """File names and lines of all frames, as addr2line tells them."""
    words = [f"{address:#x}" for address in addresses]
    done = subprocess.run(["addr2line", "-ai", "-e", program, *words], capture_output=True, text=True, check=True)
    found: list[list[tuple[str, str]]] = []
    for line in done.stdout.splitlines():
        if line.startswith("0x"):
            found.append([])
        else:
            file, _, number = line.split(" (")[0].rpartition(":")
            found[-1].append((file.rpartition("/")[2], number.replace("?", "0")))
    return found


def ours(program: Path, addresses: Iterable[int]) -> list[list[tuple[str, str]]]:
    lines = SourceLines(program)
    frames = (lines.frames(address) for address in addresses)
    return [[(frame.file.rpartition("/")[2], str(frame.line)) for frame in found] for found in frames]


def sample(program: Path, start: str) -> list[int]:
    """Addresses all over the functions whose names begin with `start`."""
    functions = [each for each in symbols.load(program).functions if each.name.startswith(start) and each.size]
    return [each.address + offset for each in functions for offset in range(0, each.size, max(each.size // 5, 1))]


def test_lines_are_those_that_binutils_tells(tree: Tree) -> None:
    program = tree.program("hello-std.debug")
    addresses = sample(program, "_R")
    assert len(addresses) > 500
    told = zip(ours(program, addresses), binutils(program, addresses), strict=True)
    differ = [pair for pair in told if pair[0] != pair[1] and pair[1][0][1] != "0"]
    assert differ == []
    assert sum(len(frames) > 1 for frames in ours(program, addresses)) > 100, "inlined functions are told too"


@pytest.mark.parametrize("version", ["4", "5"])
def test_both_versions_of_dwarf_are_read(version: str, tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(C_PROGRAM, encoding="utf-8")
    flags = ["-O2", "-static", "-fno-lto", f"-gdwarf-{version}", "-o", "a"]
    subprocess.run(["cc", *flags, "a.c"], cwd=tmp_path, check=True)
    addresses = [*sample(tmp_path / "a", "work"), *sample(tmp_path / "a", "main")]
    assert ours(tmp_path / "a", addresses) == binutils(tmp_path / "a", addresses)
    assert {len(frames) for frames in ours(tmp_path / "a", addresses)} >= {1, 2}


def test_what_the_linker_left_out_is_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(f"int unused(int x) {{\n    return x * 3;\n}}\n{C_PROGRAM}", encoding="utf-8")
    flags = ["-O2", "-g", "-static", "-ffunction-sections", "-Wl,--gc-sections", "-o", "a"]
    subprocess.run(["cc", *flags, "a.c"], cwd=tmp_path, check=True)
    assert not [each for each in symbols.load(tmp_path / "a").functions if each.name == "unused"]
    assert SourceLines(tmp_path / "a").frames(1) == ()


def test_an_address_is_told_as_function_and_line(tree: Tree) -> None:
    (main,) = (each for each in symbols.load(tree.program("hello-std.debug")).functions if each.name == "main")
    done = ostoo(tree, "addr2line", "hello-std", f"{main.address:x}", "0x10")
    line = next(
        number
        for number, text in enumerate((tree.root / "user-rs/hello-std/src/main.rs").read_text().splitlines(), 1)
        if "fn main" in text
    )
    assert done.stdout == f"{main.address:#x}: main at user-rs/hello-std/src/main.rs:{line}\n"
    assert "error: 0x10 is not an address in the code of hello-std\n" in done.stderr
    assert done.code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hello-std", "main"), "error: main is not an address\n  help: write it in hexadecimal: 0x2053a0\n"),
        (("cat-rs", "0x10"), "error: cat-rs has not been built\n"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], said: str, tree: Tree) -> None:
    done = ostoo(tree, "addr2line", *arguments)
    assert done.code == 2
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


def test_a_program_without_debug_information_is_told(tree: Tree) -> None:
    with pytest.raises(OstooError, match="no debug information") as caught:
        SourceLines(tree.program("hello-std"))
    assert 'debug = "line-tables-only"' in str(caught.value)


@pytest.mark.parametrize("target", ["x86_64-ostoo-user", "riscv64-ostoo-user"])
def test_gdb_stops_in_the_program_and_finds_its_source_and_that_of_core(tree: Tree, target: str) -> None:
    done = ostoo(tree, "gdb", "hello-std", f"target={target}", f"cache={tree.cache}", typed=COMMANDS)
    assert done.code == 0
    assert re.search(r"Breakpoint 1, main \(\) at user-rs/hello-std/src/main\.rs:\d+", done.stdout)
    assert re.search(r'\d+\t    println!\("Hello', done.stdout)
    assert "singletonlowers" in done.stdout, done.stderr
