"""The sandbox itself, around small shell scripts; with the real compiler it is tried in tests/e2e/test_sandbox.py."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from ostoo_build.actions.action import Action
from ostoo_build.base import digest
from ostoo_build.base.errors import OstooError
from ostoo_build.base.input import Input
from ostoo_build.base.paths import PathMap
from ostoo_build.execution import sandbox
from ostoo_build.execution.sandbox import Start

if TYPE_CHECKING:
    from ostoo_build.base.process import Completed
    from ostoo_build.execution.sandbox import Sandbox

MANIFEST = ("CARGO_MANIFEST_PATH", "@{root}/a/Cargo.toml")
INPUT = Input("a/declared.txt", "0" * 64, 1)
ACTION = Action("BuildScriptRun", (), (MANIFEST,), (INPUT,), ("build/a/",), directory="a")


@dataclass(frozen=True)
class Cell:
    """A checkout with a declared and an undeclared file, in which an action may write to `build/a`."""

    root: Path
    sandbox: Sandbox

    def run(self, script: str, action: Action = ACTION, **environment: str) -> tuple[Completed, list[bytes]]:
        lines: list[bytes] = []
        start = Start(["/bin/sh", "-c", script], self.root / "a", {"PATH": os.defpath, **environment}, ())
        return self.sandbox.follow(action, self.root / "build/a", start, lines.append), lines


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    return _cell(tmp_path / "checkout")


def _cell(root: Path) -> Cell:
    for name in ("a/declared.txt", "a/secret.txt", "b/secret.txt", "a/lib.rs"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "build/a").mkdir(parents=True)
    return Cell(root, sandbox.find(PathMap((("root", root),)), (), os.environ))


def test_what_is_declared_can_be_read_and_the_own_folder_written(cell: Cell) -> None:
    done, lines = cell.run("cat declared.txt > ../build/a/out; echo said; echo told >&2")
    assert (done.returncode, done.stdout, lines) == (0, b"said\n", [b"told\n"])
    assert (cell.root / "build/a/out").read_text() == "a/declared.txt"


@pytest.mark.parametrize("name", ["secret.txt", "../b/secret.txt"])
def test_what_is_not_declared_is_missed_and_named(name: str, cell: Cell) -> None:
    with pytest.raises(OstooError) as caught:
        cell.run(f"cat {name}")
    path = os.path.normpath(f"a/{name}")
    assert caught.value.what == f"the crate reads {path}, which is not among its declared inputs"
    assert caught.value.where == "a/Cargo.toml"


def test_a_checkout_below_a_folder_of_the_system_is_none_of_its_files() -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        cell = _cell(Path(folder, "checkout"))
        with pytest.raises(OstooError, match=r"reads a/secret\.txt"):
            cell.run("cat secret.txt")


def test_a_missed_file_that_is_no_source_says_more(cell: Cell) -> None:
    """Rustc looks for sources of other crates too."""
    with pytest.raises(OstooError, match=r"reads b/secret\.txt"):
        cell.run("cat lib.rs; cat ../b/secret.txt")


def test_what_is_nowhere_is_no_ones_fault_but_the_actions(cell: Cell) -> None:
    done, _ = cell.run("cat nowhere.txt")
    assert done.returncode == 1


def test_who_does_without_a_file_may(cell: Cell) -> None:
    done, _ = cell.run("cat secret.txt || true")
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["made.txt", "declared.txt", "../made.txt", "/usr/made.txt"])
def test_what_is_written_elsewhere_is_named(name: str, cell: Cell) -> None:
    with pytest.raises(OstooError, match="outside of its output folder") as caught:
        cell.run(f"echo x > {name}")
    path = name if name.startswith("/") else os.path.normpath(f"a/{name}")
    assert caught.value.what == f"the action writes to {path}, which is outside of its output folder"
    assert caught.value.remedy == "write to OUT_DIR only"
    assert sorted(path.name for path in (cell.root / "a").iterdir()) == ["declared.txt", "lib.rs", "secret.txt"]


def test_a_declared_folder_is_seen_whole(cell: Cell) -> None:
    action = replace(ACTION, inputs=(Input("b", "0" * 64, 1, is_folder=True),))
    assert cell.run("cat ../b/secret.txt", action)[0].stdout == b"b/secret.txt"


def test_there_is_one_private_folder_for_all_that_is_not_kept(cell: Cell) -> None:
    done, _ = cell.run('echo x > "$TMPDIR/a"; cat "$HOME/a"; ls "$HOME" | wc -l')
    assert done.stdout.split() == [b"x", b"1"]


def test_variables_come_as_they_are(cell: Cell) -> None:
    hard = "a b\n'$HOME' \"\\ü"
    done, _ = cell.run('printf %s "$ODD"', ODD=hard)
    assert done.stdout.decode() == hard


def test_no_process_of_the_machine_is_seen(cell: Cell) -> None:
    done, _ = cell.run(f"test ! -e /proc/{os.getpid()}/root/etc/passwd; echo $?")
    assert done.stdout == b"0\n"


def test_without_strace_nothing_is_named_and_the_exit_code_stays(cell: Cell) -> None:
    blind = Cell(cell.root, replace(cell.sandbox, strace=None))
    assert blind.run("cat secret.txt")[0].returncode == 1


def test_without_bubblewrap_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(OstooError, match="sandbox=on needs bubblewrap, which is not installed"):
        sandbox.find(PathMap((("root", tmp_path),)), (), {"PATH": str(tmp_path)})


def test_bubblewrap_that_does_not_work_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text(f"#!{shutil.which('sh')}\necho 'bwrap: no namespaces' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    with pytest.raises(OstooError, match="does not work here: bwrap: no namespaces"):
        sandbox.find(PathMap((("root", tmp_path),)), (), {"PATH": str(tmp_path)})


def test_of_a_toolchain_only_what_is_there_and_not_the_systems_is_shown(tmp_path: Path, cell: Cell) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "rustc").write_text("compiler")
    found = sandbox.find(PathMap((("root", cell.root),)), (tools, tmp_path / "absent", Path("/usr/lib")), os.environ)
    assert found.readable == (tools,)
    assert Cell(cell.root, found).run(f"cat {tools}/rustc")[0].stdout == b"compiler"
    with pytest.raises(OstooError, match="is not among its declared inputs"):
        cell.run(f"cat {tools}/rustc")


def test_an_input_may_lie_where_outputs_do(cell: Cell) -> None:
    (cell.root / "build/a/former").write_text("former")
    sha256 = digest.of_file(cell.root / "build/a/former")
    action = replace(ACTION, inputs=(Input("build/a/former", sha256, 6),))
    assert cell.run("cat ../build/a/former; echo x > ../build/a/former", action)[0].returncode == 0
