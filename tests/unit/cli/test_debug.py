"""That gdb debugs a real program is tried in tests/e2e/test_debugger_real.py."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import fake_toolchains as fake
import pytest
import symbol_elfs

from ostoo_build.base.errors import OstooError
from ostoo_build.binary import functions
from ostoo_build.cli import debug

if TYPE_CHECKING:
    from pathlib import Path

    from ostoo_build.cli.run import Runner

SOURCE = """\
__attribute__((noinline)) int callee(int x) {
    return x * 3;
}
int main(int count, char **words) {
    return callee(count) + 1;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program as a build leaves it: stripped, and with its symbols beside it."""
    folder = tmp_path_factory.mktemp("debug")
    (folder / "a.c").write_text(SOURCE)
    subprocess.run(["cc", "-g", "-O1", "-no-pie", "-o", "a.debug", "a.c"], cwd=folder, check=True)
    shutil.copy(folder / "a.debug", folder / "a")
    return folder / "a"


def address(program: Path, name: str) -> int:
    known = functions.load(debug.debug_file(program)).functions
    return next(each.address for each in known if each.name == name)


def test_an_address_is_told_with_function_and_line(program: Path) -> None:
    at = address(program, "callee")
    lines = list(debug.addr2line(program, [hex(at), f"{address(program, 'main'):X}"]))
    assert lines[0].startswith(f"{at:#x}: callee at ")
    assert re.search(r"a\.c:[123]\n$", lines[0])
    assert ": main at " in lines[1]


@pytest.mark.parametrize("text", ["0", "0x1", "ffffffffffffffff"])
def test_an_address_of_no_code_is_refused(text: str, program: Path) -> None:
    with pytest.raises(OstooError, match=f"{text} is not an address in the code of a"):
        list(debug.addr2line(program, [text]))


@pytest.mark.parametrize("text", ["", "main", "0x", "12 34", "0xg"])
def test_what_is_no_number_is_refused(text: str, program: Path) -> None:
    with pytest.raises(OstooError, match="is not an address") as caught:
        list(debug.addr2line(program, [text]))
    assert caught.value.remedy == "write it in hexadecimal: 0x2053a0"


def test_a_program_that_was_not_built_is_told_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="a has not been built") as caught:
        debug.debug_file(tmp_path / "a")
    assert caught.value.remedy == "./sconsw a"


@dataclass
class FakeRunner:
    """What the debugger asks of a checkout; QEMU is a script that opens the door, or does not."""

    root: Path
    environ: dict[str, str]
    qemu_script: Path
    asked: list[str] = field(default_factory=list)

    def path(self, program: str) -> Path:
        return self.root / program

    def qemu(self, machine: str) -> Path:
        self.asked.append(machine)
        return self.qemu_script


def runner(folder: Path, *qemu: str) -> FakeRunner:
    symbol_elfs.Linked(b"\xc3", machine=symbol_elfs.ARM).write(folder, "a")
    script = fake.script(folder / "bin/qemu", *qemu)
    return FakeRunner(folder, {"PATH": f"{folder}/bin"}, script)


def test_gdb_meets_the_program_at_qemus_door(tmp_path: Path) -> None:
    made = runner(tmp_path, ': > "$2"', "exec sleep 60")
    seen = tmp_path / "seen"
    fake.script(tmp_path / "bin/gdb-multiarch", f"printf '%s\\n' \"$@\" > '{seen}'", "exit 7")
    assert debug.gdb(cast("Runner", made), "a", ["word"], tmp_path / "a library") == 7
    words = seen.read_text().splitlines()
    assert str(tmp_path / "a.debug") in words
    assert any(word.startswith("target remote ") for word in words)
    assert f"set substitute-path library {tmp_path}/a\\ library" in words
    assert made.asked == ["EM_AARCH64"]


def test_without_gdb_for_the_machine_it_is_told_before_anything_starts(tmp_path: Path) -> None:
    made = runner(tmp_path, f": > '{tmp_path}/started'")
    fake.script(tmp_path / "bin/gdb", "exit 0")  # this machine's own knows no other
    with pytest.raises(OstooError, match="no gdb for EM_AARCH64 was found") as caught:
        debug.gdb(cast("Runner", made), "a", [], tmp_path)
    assert caught.value.remedy == "install gdb-multiarch"
    assert not (tmp_path / "started").exists()


def test_a_qemu_that_opens_no_door_is_told(tmp_path: Path) -> None:
    made = runner(tmp_path, "exit 1")
    made.environ["PATH"] += f":{os.defpath}"
    fake.script(tmp_path / "bin/gdb-multiarch")
    with pytest.raises(OstooError, match="QEMU did not wait for gdb"):
        debug.gdb(cast("Runner", made), "a", [], tmp_path)
