"""On small programs of the C compiler, in each version of DWARF; rustc's own are tried in test_debugger_real.py."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions
from ostoo_build.binary.source_lines import SourceLines

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
__attribute__((noinline)) int callee(int x) {
    return x * 3;
}
static inline __attribute__((always_inline)) int inlined(int x) {
    return callee(x) + 1;
}
__attribute__((section(".apart"))) int apart(int x) {
    return inlined(x) * 5;
}
int main(int count, char **words) {
    return inlined(count) + apart(count);
}
"""
VERSIONS = (3, 4, 5)


@pytest.fixture(scope="module", params=VERSIONS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "a.c").write_text(SOURCE)
    flags = ("-g", f"-gdwarf-{request.param}", "-O1", "-no-pie")
    subprocess.run(["cc", *flags, "-o", "program", "a.c"], cwd=folder, check=True)
    return folder / "program"


def chains(program: Path, name: str) -> set[tuple[tuple[str, int], ...]]:
    """All chains of functions and lines that the addresses of a function are in, the innermost first."""
    lines = SourceLines(program)
    (function,) = (each for each in functions.load(program).functions if each.name == name)
    found = (lines.frames(address) for address in range(function.address, function.address + function.size))
    return {tuple((frame.function, frame.line) for frame in frames) for frames in found}


def test_an_address_is_on_a_line_of_its_function(program: Path) -> None:
    found = chains(program, "callee")
    assert found
    assert {name for chain in found for name, _ in chain} == {"callee"}
    assert {line for chain in found for _, line in chain} <= {1, 2, 3}
    assert (("callee", 2),) in found


@pytest.mark.parametrize(("name", "line"), [("main", 11), ("apart", 8)])
def test_what_was_inlined_is_told_with_its_caller(name: str, line: int, program: Path) -> None:
    assert (("inlined", 5), (name, line)) in chains(program, name)


def test_a_file_is_named(program: Path) -> None:
    (function,) = (each for each in functions.load(program).functions if each.name == "callee")
    (frame,) = SourceLines(program).frames(function.address)
    assert frame.file.endswith("a.c")


@pytest.mark.parametrize("address", [0, 1, 1 << 40, (1 << 64) - 1])
def test_an_address_of_no_code_is_on_no_line(address: int, program: Path) -> None:
    assert SourceLines(program).frames(address) == ()


def test_a_program_without_debug_information_says_how_to_have_it(tmp_path: Path) -> None:
    subprocess.run(
        ["cc", "-nostdlib", "-shared", "-x", "c", "/dev/null", "-o", str(tmp_path / "plain"), "-s"], check=True
    )
    with pytest.raises(OstooError, match="the program has no debug information") as caught:
        SourceLines(tmp_path / "plain")
    assert "line-tables-only" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"\x7fELF\x02\x01\x01", b"text" * 100, None])
def test_what_is_no_program_is_one_message(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "program"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OstooError, match="can't read it") as caught:
        SourceLines(path)
    assert caught.value.where == str(path)
