"""`./ostoo watch`: each save becomes a program, whatever was saved, and mistakes are told once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tied import TIED
from trees import Tree, copy_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.compiler, pytest.mark.xdist_group("watch")]

MAIN = "user-rs/hello-std/src/main.rs"
PATIENCE = 120
"""Seconds after which a test gives up; none is asserted."""


@dataclass
class Watching:
    """A running `./ostoo watch`, and what it has said."""

    tree: Tree
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def until(self, text: str, times: int = 1) -> None:
        """Wait until it has said something so many times."""
        self._wait(lambda: self.said.count(text) >= times, f"{text} was not said {times} times")

    @contextmanager
    def rebuilt(self) -> Iterator[None]:
        """Wait at the end of the block until something was made since its beginning.

        Cargo writes to its home for others too. A build after that, which makes nothing, doesn't count.
        """
        before = self._builds
        yield
        self._wait(lambda: self._builds != before, "nothing was made")

    def _wait(self, is_so: Callable[[], bool], problem: str) -> None:
        end = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > end or self.process.poll() is not None:
                pytest.fail(f"{problem}:\n{self.said}")
            time.sleep(0.02)

    @property
    def _builds(self) -> int:
        said = self.said
        return said.count("Finished") - said.count("is up to date")

    def says(self) -> str:
        return self.tree.run("hello-std", profile="dev")[1]


@pytest.fixture(scope="module")
def developed(tmp_path_factory: pytest.TempPathFactory, first_developed: Tree) -> Tree:
    made = copy_tree(tmp_path_factory.mktemp("watch") / "checkout", first_developed.cache)
    made.build("profile=dev", "hello-std")
    return made


@contextmanager
def watching(tree: Tree, log: Path, *more: str) -> Iterator[Watching]:
    command = [
        sys.executable,
        "-P",
        "-m",
        "ostoo_build.cli",
        "watch",
        "hello-std",
        "profile=dev",
        f"cache={tree.cache}",
    ]
    environment = {**os.environ, "PYTHONPATH": str(tree.root / "site_scons"), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*TIED, *command, *more],
            cwd=tree.root,
            env=environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield Watching(tree, process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):  # all of it has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_saves_become_programs_and_mistakes_are_told_once(developed: Tree, tmp_path: Path) -> None:
    tree = developed
    good = (tree.root / MAIN).read_text(encoding="utf-8")
    with watching(tree, tmp_path / "log") as watch:
        watch.until("Finished")
        with watch.rebuilt():
            tree.write(MAIN, good.replace("works", "works at once"))
        assert "works at once" in watch.says()

        tree.write(MAIN, good + "fn broken( {\n")
        watch.until("could not compile")
        assert watch.said.count("this file contains an unclosed delimiter") == 1
        assert f"--> {MAIN}:" in watch.said
        assert "works at once" in watch.says(), "the last good program stays"

        with watch.rebuilt():
            tree.write("user-rs/hello-std/src/more.rs", "")
            tree.write(MAIN, good.replace("extern crate", "mod more;\nextern crate"))
        with watch.rebuilt():
            tree.write(MAIN, good)
            (tree.root / "user-rs/hello-std/src/more.rs").unlink()

        manifest = (tree.root / "user-rs/hello-std/Cargo.toml").read_text(encoding="utf-8")
        tree.write("user-rs/hello-std/Cargo.toml", manifest + '[features]\ndefault = ["loud"]\nloud = []\n')
        tree.write(MAIN, good.replace('"HashMap works: {map:?}"', '"loud: {}", cfg!(feature = "loud")'))
        wait_for(watch, "loud: true")

        finished = watch.said.count("Finished")
        tree.replace("site_scons/ostoo_build/base/spelling.py", '"""', '"""  ')
        watch.until("Finished", finished + 1)
        tree.write(MAIN, good)
        wait_for(watch, "works")
        os.killpg(watch.process.pid, signal.SIGINT)
        assert watch.process.wait(PATIENCE) == 130
        assert "Traceback" not in watch.said
        assert no_server_is_left(tree)


TELLS = """
fn main() {
    for name in ["../../.words/told", "link"] {
        println!("cargo::rerun-if-changed={name}");
        let text = std::fs::read_to_string(name).unwrap();
        println!("cargo::rustc-env={}={}", name.rsplit('/').next().unwrap(), text.trim());
    }
}
"""
SAYS = '"HashMap says {} {} {}", env!("told"), env!("link"), elsewhere::WORD'


def test_what_is_hidden_or_linked_or_elsewhere_is_built_at_once(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, first_developed: Tree
) -> None:
    tree = copy_tree(tmp_path / "checkout", first_developed.cache)
    crate = tmp_path_factory.mktemp("elsewhere")
    (crate / "src").mkdir()
    (crate / "Cargo.toml").write_text('[package]\nname = "elsewhere"\nversion = "1.0.0"\nedition = "2024"\n')
    (crate / "src/lib.rs").write_text('#![no_std]\npub const WORD: &str = "a";\n')
    package = "user-rs/hello-std"
    tree.write(".words/told", "b")
    tree.write(".words/linked", "c")
    (tree.root / package / "link").symlink_to("../../.words/linked")
    tree.write(f"{package}/build.rs", TELLS)
    manifest = (tree.root / package / "Cargo.toml").read_text(encoding="utf-8")
    named = f'[dependencies]\nelsewhere = {{ path = "{crate}" }}'
    tree.write(f"{package}/Cargo.toml", manifest.replace("[dependencies]", named))
    tree.replace(MAIN, '"HashMap works: {map:?}"', SAYS)
    edits: dict[str, Callable[[], object]] = {
        "says x c a": lambda: tree.write(".words/told", "x"),
        "says x y a": lambda: tree.write(".words/linked", "y"),
        "says x y z": lambda: (crate / "src/lib.rs").write_text('#![no_std]\npub const WORD: &str = "z";\n'),
    }
    with watching(tree, tmp_path / "log") as watch:
        watch.until("Finished")
        wait_for(watch, "says b c a")
        for said, edit in edits.items():
            waiting_build(tree)
            edit()
            wait_for(watch, said)


def test_a_waiting_build_that_is_killed_costs_no_save(developed: Tree, tmp_path: Path) -> None:
    tree = developed
    good = (tree.root / MAIN).read_text(encoding="utf-8")
    with watching(tree, tmp_path / "log") as watch:
        watch.until("Finished")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            os.kill(waiting_build(tree), number)
            with watch.rebuilt():
                tree.write(MAIN, good.replace("works", f"works after {number.name}"))
            assert f"works after {number.name}" in watch.says()
        assert "error" not in watch.said
    tree.write(MAIN, good)


def waiting_build(tree: Tree) -> int:
    """The process that has read everything: the server's child that holds no lock, once there is one."""
    script = str(tree.root / "site_scons/ostoo_scons/serve.py")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = list(running(script))
        if len(found) == 2:
            return max(found)
        time.sleep(0.02)
    pytest.fail("no build waits")


def wait_for(watch: Watching, text: str) -> None:
    """Wait until the program says something: several saves may become one build."""
    end = time.monotonic() + PATIENCE
    while text not in watch.says():
        assert time.monotonic() < end, watch.said
        time.sleep(0.02)


def running(script: str) -> Iterator[int]:
    """The processes that were started with a script."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if script in (process / "cmdline").read_text(encoding="utf-8", errors="replace"):
                yield int(process.name)


def no_server_is_left(tree: Tree) -> bool:
    """Whether what the watch started has ended, a moment after it."""
    script = str(tree.root / "site_scons/ostoo_scons/serve.py")
    for _ in range(100):
        if not any(running(script)):
            return True
        time.sleep(0.05)
    return False


def test_other_builds_are_let_in_and_their_work_counts(developed: Tree, tmp_path: Path) -> None:
    tree = developed
    with watching(tree, tmp_path / "log") as watch:
        watch.until("Finished")
        time.sleep(0.5)  # now a build waits that has read everything
        assert tree.build("profile=dev", "hello-std").steps == []
        with watch.rebuilt():
            tree.replace(MAIN, "works", "works for both")
        assert "works for both" in watch.says()
        assert tree.build("profile=dev", "hello-std").steps == []


def test_the_program_runs_after_each_good_build(developed: Tree, tmp_path: Path) -> None:
    tree = developed
    good = (tree.root / MAIN).read_text(encoding="utf-8")
    tree.write(MAIN, good.replace("    0\n", "    loop { std::thread::park() }\n"))
    with watching(tree, tmp_path / "log", "--run") as watch:
        watch.until("Hello from Rust std", 1)
        tree.write(MAIN, good.replace("Hello", "Hello again"))
        watch.until("Hello again from Rust std")
        assert watch.said.count("Running") == 2
    tree.write(MAIN, good)


def test_a_watch_that_is_killed_takes_its_server_along(developed: Tree, tmp_path: Path) -> None:
    with watching(developed, tmp_path / "log") as watch:
        watch.until("Finished")
        os.kill(watch.process.pid, signal.SIGKILL)
        watch.process.wait()
        assert no_server_is_left(developed)
