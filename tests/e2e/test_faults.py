"""Faults in the middle of a build: whatever happened, the next build is right."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from trees import TARGET, Tree, copy_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.compiler


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


SLEEPS = "fn main() {\n    std::thread::sleep(std::time::Duration::from_secs(%d));\n}\n"
"""A build script; while it sleeps all that the program needs besides is done."""


def test_a_killed_build_keeps_its_finished_work(tree: Tree) -> None:
    tree.replace("user-rs/rt/src/lib.rs", "mod args;", f"// {uuid.uuid4()}: no cache has it\nmod args;")
    tree.write("user-rs/hello-rs/build.rs", SLEEPS % 600)
    process = tree.start("hello-rs")
    wait_for(lambda: any(tree.root.glob(f"build/{TARGET}/release/units/ostoo_rt-*/action.json")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not tree.program("hello-rs").exists()
    tree.write("user-rs/hello-rs/build.rs", SLEEPS % 0)
    result = tree.build("hello-rs")
    assert "ostoo-rt" not in result.done("Compiling")
    assert tree.run("hello-rs")[0] == 0


def test_children_die_with_a_killed_build(tree: Tree) -> None:
    process = Tree(tree.root, "off").start("hello-rs")
    wait_for(lambda: bool(running(tree.root)))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not running(tree.root))


def running(folder: Path, name: str = "rustc") -> list[str]:
    """The processes of a program that work in a folder or below."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            below = (process / "cwd").readlink().is_relative_to(folder)
            if below and (process / "exe").readlink().name == name:
                found.append(process.name)
    return found


SPINS = """#[allow(long_running_const_eval)]
const SPIN: u64 = {
    let mut number = 0;
    while number < u64::MAX {
        number += 1;
    }
    number
};
static SPUN: u64 = SPIN;
"""
"""Keeps rustc busy for ever."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_build_ends_at_once_and_keeps_what_is_finished(tree: Tree, number: signal.Signals) -> None:
    source = tree.root / "user-rs/hello-rs/src/main.rs"
    before = source.read_text(encoding="utf-8")
    tree.replace("user-rs/rt/src/lib.rs", "mod args;", f"// {uuid.uuid4()}: no cache has it\nmod args;")
    source.write_text(before + SPINS, encoding="utf-8")
    files = set(places(tree.root))
    process = tree.start("hello-rs")
    wait_for(lambda: any(tree.root.glob(f"build/{TARGET}/release/units/ostoo_rt-*/action.json")))
    wait_for(lambda: bool(running(tree.root)))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)  # rustc alone would not end
    assert process.returncode == -number
    assert "error" not in out + err
    assert "Traceback" not in out + err
    assert not running(tree.root)
    assert set(places(tree.root)) == files, "something is left in the sources"
    why = tree.ostoo("why", "hello-rs").stdout.splitlines()
    assert why[0].startswith("hello-rs was stopped in the last build, of hello-rs")
    assert any(line.startswith("  -> hello-rs v0.1.0: was not finished") for line in why), why
    source.write_text(before.replace("Heap works", "Heap still works"), encoding="utf-8")
    assert "ostoo-rt" not in tree.build("hello-rs").done("Compiling")
    assert "Heap still works" in tree.run("hello-rs")[1]


FAILS = """fn main() {
    std::thread::sleep(std::time::Duration::from_secs(%d));
    std::process::exit(3);
}
"""
"""A build script; what runs beside it goes on without it."""


def test_a_failure_ends_what_has_just_begun_and_starts_nothing_else(tree: Tree) -> None:
    tree.write("user-rs/rt/build.rs", SLEEPS % 600)
    tree.write("user-rs/hello-rs/build.rs", FAILS % 1)
    tree.replace("user-rs/rt/src/lib.rs", "mod args;", f"// {uuid.uuid4()}: no cache has it\nmod args;")
    result = tree.scons("hello-rs")
    assert result.code == 2
    assert "Waiting" not in result.stderr
    assert {"ostoo-rt", "hello-rs"} <= set(result.done("Running"))
    assert "ostoo-rt" not in [step.split()[1] for step in result.steps if step.endswith("v0.1.0")]
    assert result.stderr.count("error: ") == 1
    assert not running(tree.root, "build-script-build")


def test_a_failure_lets_long_work_end_and_keeps_it(tree: Tree) -> None:
    tree.write("user-rs/rt/build.rs", SLEEPS % 9)
    tree.write("user-rs/hello-rs/build.rs", FAILS % 6)
    result = tree.scons("hello-rs")
    assert result.code == 2
    assert "Waiting for ostoo-rt v0.1.0 (build script): its" in result.stderr
    tree.write("user-rs/hello-rs/build.rs", SLEEPS % 0)
    assert "ostoo-rt" not in tree.build("hello-rs").done("Running")


def test_who_keeps_going_ends_nothing(tree: Tree) -> None:
    tree.write("user-rs/rt/build.rs", SLEEPS % 3)
    tree.write("user-rs/hello-rs/build.rs", FAILS % 1)
    result = tree.scons("-k", "hello-rs")
    assert result.code == 2
    assert "ostoo-rt" in [step.split()[1] for step in result.steps if step.startswith("Compiling ostoo-rt v0.1.0")]


def places(root: Path) -> Iterator[str]:
    """All files of a checkout but what builds make, and what Python does."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__" and Path(folder, name) != root / "build"]
        yield from (os.path.join(folder, name) for name in names)  # noqa: PTH118 - strings are compared


def test_a_build_is_stopped_while_it_waits_for_another(built: Tree) -> None:
    with FileLock(built.root / "build/.ostoo/lock"):
        process = built.start("--timings", "hello-rs")
        stderr = process.stderr
        assert stderr is not None
        assert "waiting for the build" in stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in out + err


def overwrite(path: Path) -> None:
    path.write_bytes(b"junk")


def truncate(path: Path) -> None:
    os.truncate(path, 100)


@pytest.mark.parametrize("damage", [overwrite, truncate, os.unlink])
def test_damaged_outputs_are_made_again(built: Tree, damage: Callable[[Path], None]) -> None:
    before = built.program("hello-rs").read_bytes()
    outputs = [built.program("hello-rs"), *built.root.glob(f"build/{TARGET}/release/units/*/rlib/*.rlib")]
    for path in outputs:
        damage(path)
    built.build("hello-rs")
    assert built.program("hello-rs").read_bytes() == before
    built.replace("user-rs/hello-rs/src/main.rs", "Heap works", "Heap still works")
    built.build("hello-rs")
    assert "Heap still works" in built.run("hello-rs")[1]


CORE = 12_000_000
"""Blobs of core alone are larger: it is left as it is, for it takes as long to compile as all these tests."""


def test_a_damaged_cache_is_a_miss(built: Tree, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    copy_cache(built.cache, cache)
    before = built.program("hello-rs").read_bytes()
    for number, blob in enumerate(sorted((cache / "cas").rglob("*"))):
        if blob.is_file() and blob.stat().st_size < CORE:
            data = blob.read_bytes()
            blob.write_bytes(data[: 10 * number % (len(data) // 2)] + b"x")  # never after its end: it would be intact
    for number, entry in enumerate(sorted((cache / "ac").rglob("*"))):
        text = entry.read_bytes() if entry.is_file() else b"libcore-"
        if (number % 5 == 0 or b"liballoc-" in text) and b"libcore-" not in text:
            entry.write_bytes(text.replace(b"a", b"b"))
    shutil.rmtree(built.root / "build")
    result = Tree(built.root, str(cache)).build("hello-rs")
    assert "alloc" in result.done("Compiling")
    assert built.program("hello-rs").read_bytes() == before


def test_a_cache_that_cannot_be_used_is_one_warning(built: Tree, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    built.replace("user-rs/hello-rs/src/main.rs", "Heap works", "Heap almost works")
    built.build("hello-rs")  # with what is compiled for an edit
    built.replace("user-rs/hello-rs/src/main.rs", "almost", "still")
    result = Tree(built.root, str(tmp_path / "file")).build("hello-rs")
    assert result.stderr.count("warning: the action cache can't store new results") == 1


def test_a_file_saved_during_the_build_does_not_spoil_it(built: Tree) -> None:
    source = "user-rs/hello-std/src/main.rs"
    built.replace(source, "works", "first")
    process = built.start("hello-std")
    wait_for(lambda: bool(running(built.root)))
    built.replace(source, "first", "second")
    process.communicate(timeout=60)
    built.build("hello-std")
    assert "HashMap second" in built.run("hello-std")[1]
    built.replace(source, "second", "first")
    built.build("hello-std")
    assert "HashMap first" in built.run("hello-std")[1]


def test_a_second_build_waits_for_the_first_and_names_it(tree: Tree) -> None:
    tree.write("user-rs/hello-rs/build.rs", SLEEPS % 5)
    first = tree.start("hello-rs")
    wait_for(lambda: bool(running(tree.root, "build-script")))
    second = tree.build("hello-rs")
    first.communicate(timeout=300)
    assert first.returncode == 0
    assert f"Blocking waiting for the build in this checkout by process {first.pid}" in second.stderr
    assert second.done("Compiling") == []


def test_odd_file_names_are_only_names(built: Tree) -> None:
    for name in ("-C linker=evil", "a b", "`touch owned`", "ü$HOME;x"):
        built.write(f"user-rs/hello-rs/src/{name}", "text")
    source = "user-rs/hello-rs/src/main.rs"
    built.replace(source, "    0\n", '    println!("{}", include_str!("`touch owned`"));\n    0\n')
    built.build("hello-rs")
    assert built.run("hello-rs")[1].endswith("text\n")
    assert not list(built.root.rglob("owned"))
