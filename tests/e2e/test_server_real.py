"""Builds by the server: found, kept, ended and replaced, and in nothing else than time different from others."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trees import PROJECT, TARGET, ServedTree, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.compiler

MAIN = "user-rs/hello-rs/src/main.rs"
PATIENCE = 60


def eventually(says: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not says():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def served(tree: Tree) -> Iterator[ServedTree]:
    found = ServedTree(tree.root, tree.cache)
    yield found
    found.stop_server()


def prepared(tree: ServedTree, command: str = "hello-rs") -> None:
    eventually(lambda: tree.status().endswith(f"{command}\n") and "prepared: " in tree.status())


def pid_of(tree: ServedTree) -> int:
    return int(tree.status().partition("process ")[2].partition(",")[0])


@contextmanager
def at_work(tree: ServedTree, seconds: int) -> Iterator[subprocess.Popen[str]]:
    """A build in the middle of a build script, which takes some seconds."""
    sleep = f"std::thread::sleep(std::time::Duration::from_secs({seconds}))"
    tree.write("user-rs/hello-rs/build.rs", f"fn main() {{ {sleep} }}\n")
    with tree.start("hello-rs") as process:
        assert process.stderr
        assert any("Running" in line for line in process.stderr)
        yield process


def edit(tree: ServedTree, text: str) -> None:
    path = tree.root / MAIN
    path.write_text(path.read_text() + f"// {text}\n")


def test_the_first_build_starts_a_server_and_the_next_ones_are_its(served: ServedTree, tree: Tree) -> None:
    served.build("hello-rs")
    eventually(served.status)
    for count in (1, 2):
        edit(served, str(count))
        result = served.build("hello-rs")
        assert result.done("Compiling") == ["hello-rs"]
        assert served.served() == count
        prepared(served, f"cache={served.cache} hello-rs")
    of_server = served.program("hello-rs").read_bytes()
    edit(served, "by itself")
    tree.build("hello-rs", "server=off")
    assert tree.program("hello-rs").read_bytes() == of_server


def test_a_null_build_is_noted_by_the_server_too(served: ServedTree) -> None:
    served.wait_for_server()
    served.build("hello-rs")
    edit(served, "edit")
    time.sleep(0.1)  # a change right before a build could have been read before it
    prepared(served, f"cache={served.cache} hello-rs")
    served.build("hello-rs")
    count = served.served()
    assert served.build("hello-rs").stdout == "scons: `hello-rs' is up to date.\n"
    assert served.served() == count, "the server was not even asked"


@pytest.mark.parametrize("lost", [False, True])
def test_a_c_library_that_is_altered_while_a_build_waits_is_made_again(lost: bool, served: ServedTree) -> None:  # noqa: FBT001 - pytest names it
    served.wait_for_server()
    path = served.root / "user-rs/hello-std/src/main.rs"
    path.write_text(path.read_text() + f"// {served.root}\n")  # no cache has it whole
    served.build("hello-std")
    prepared(served, f"cache={served.cache} hello-std")
    library = served.root / f"build/{TARGET}/target-libc/lib/libc.a"
    whole = library.read_bytes()
    library.unlink() if lost else library.write_bytes(whole[:-1] + b"x")
    path.write_text(path.read_text() + "// edit\n")
    served.build("hello-std")
    assert library.read_bytes() == whole


def test_a_target_spec_that_is_edited_while_a_build_waits_is_checked_again(served: ServedTree) -> None:
    served.wait_for_server()
    served.build("hello-rs")
    prepared(served, f"cache={served.cache} hello-rs")
    served.replace(f"targets/{TARGET}.json", '"panic-strategy": "abort"', '"panic-strategy": "sometimes"')
    edit(served, "edit")
    refused = served.scons("hello-rs")
    assert refused.code == 2
    assert f"{TARGET}.json" in refused.stderr


def test_no_server_is_started_where_nobody_wants_one(served: ServedTree, tree: Tree) -> None:
    tree.build("hello-rs")  # CI is set in tests
    served.build("hello-rs", "server=off")
    served.replace("ostoo.toml", "\n[", '\nserver = "off"\n\n[') if "\n[" in (
        served.root / "ostoo.toml"
    ).read_text() else served.write("ostoo.toml", (served.root / "ostoo.toml").read_text() + '\nserver = "off"\n')
    edit(served, "edit")
    served.build("hello-rs")
    assert served.status() == ""


def test_a_server_with_old_code_makes_way(served: ServedTree) -> None:
    served.wait_for_server()
    first = pid_of(served)
    with (served.root / "site_scons/ostoo_build/base/spelling.py").open("a") as stream:
        stream.write("# another version\n")
    served.build("hello-rs")
    eventually(lambda: served.status() and pid_of(served) != first)


def test_ctrl_c_ends_a_served_build(served: ServedTree) -> None:
    served.wait_for_server()
    with at_work(served, seconds=60) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT
    (served.root / "user-rs/hello-rs/build.rs").unlink()
    served.build("hello-rs")
    assert served.served() == 2


def test_a_server_that_is_killed_is_replaced(served: ServedTree) -> None:
    served.wait_for_server()
    os.kill(pid_of(served), signal.SIGKILL)
    served.build("hello-rs")
    eventually(served.status)


def test_a_build_whose_server_is_killed_is_completed(served: ServedTree) -> None:
    served.wait_for_server()
    with at_work(served, seconds=2) as process:
        assert process.stderr
        os.kill(pid_of(served), signal.SIGKILL)
        process.stderr.read()
        assert process.wait(PATIENCE) == 0
    assert served.program("hello-rs").is_file()


def test_a_file_in_the_sockets_place_is_no_server(served: ServedTree) -> None:
    served.wait_for_server()
    (socket,) = (served.root / "build/.ostoo/servers").iterdir()
    served.stop_server()
    socket.write_text("not a socket")
    served.build("hello-rs")
    eventually(served.status)


def test_another_locale_has_another_server(served: ServedTree) -> None:
    served.wait_for_server()
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"LC_ALL": "C.UTF-8"}
    subprocess.run(served.command("hello-rs"), cwd=served.root, env=environment, check=True, capture_output=True)
    eventually(lambda: len(served.status().splitlines()) == 2)
    served.stop_server()
    eventually(lambda: not served.status())


def test_a_checkout_that_is_removed_takes_its_server_along(served: ServedTree, tmp_path: Path) -> None:
    served.wait_for_server()
    pid = pid_of(served)
    served.root.rename(tmp_path / "elsewhere")
    served.root.mkdir()
    (served.root / "ostoo.toml").touch()
    (served.root / "site_scons").symlink_to(PROJECT / "site_scons")
    eventually(lambda: not Path(f"/proc/{pid}").exists())


CAT = "user-rs/cat-rs/src/main.rs"
TELLS = """
fn main() {
    println!("cargo::rerun-if-changed=../../.words/told");
    println!("cargo::rustc-env=TOLD={}", std::fs::read_to_string("../../.words/told").unwrap());
}
"""
BOTH = ("cat-rs", "hello-rs")


def _append(name: str, text: str) -> Callable[[Tree], None]:
    return lambda tree: tree.write(name, (tree.root / name).read_text(encoding="utf-8") + text)


def _add_module(tree: Tree) -> None:
    _append(CAT, "mod more;\n")(tree)
    tree.write("user-rs/cat-rs/src/more.rs", "")


def _damage(tree: Tree) -> None:
    if tree.program("cat-rs").exists():
        with tree.program("cat-rs").open("ab") as program:
            program.write(b"damage")


EDITS: dict[str, tuple[Callable[[Tree], object], list[str]]] = {
    "one program": (_append(CAT, "// edited\n"), ["cat-rs"]),
    "what a build script told of": (lambda tree: tree.write(".words/told", "again"), ["hello-rs"]),
    "the other program": (_append(MAIN, "// edited\n"), ["hello-rs"]),
    "what both read": (_append("user-rs/rt/src/lib.rs", "// edited\n"), [*BOTH, "ostoo-rt"]),
    "what nobody reads": (_append("user-rs/cat-rs/notes.txt", "edited\n"), []),
    "a published program": (_damage, []),
    "a program that is gone": (lambda tree: tree.program("cat-rs").unlink(missing_ok=True), []),
    "both": (lambda tree: (_append(CAT, "// 2\n")(tree), _append(MAIN, "// 2\n")(tree)), [*BOTH]),
    "a new module": (_add_module, ["cat-rs"]),
}


def test_a_prepared_build_of_several_programs_makes_what_others_make(tree: Tree, tmp_path: Path) -> None:
    """It decides about each program before the edit, and about those that read what was edited once more."""
    tree.write("user-rs/hello-rs/build.rs", TELLS)
    tree.write(".words/told", "first")
    tree.write("user-rs/cat-rs/notes.txt", "")
    tree.replace(MAIN, 'println!("Heap works: {answer}")', 'println!("{} works: {answer}", env!("TOLD"))')
    served = ServedTree(tree.root, tree.cache)
    alone = Tree(shutil.copytree(tree.root, tmp_path / "alone", symlinks=True), tree.cache)
    try:
        served.build(*BOTH)
        eventually(served.status)
        for each in (served, alone):
            _append(CAT, "// first\n")(each)
        served.build(*BOTH)
        for what, (change, compiled) in EDITS.items():
            prepared(served, " ".join(BOTH))
            for each in (served, alone):
                change(each)
            assert sorted(served.build(*BOTH).done("Compiling")) == compiled, what
            alone.build(*BOTH, "server=off")
            for name in BOTH:
                assert served.program(name).read_bytes() == alone.program(name).read_bytes(), (what, name)
        assert served.served() > len(EDITS), "the server carried out each of them"
    finally:
        served.stop_server()
