"""A whole checkout in a temporary folder, built by the real tool with the real compiler."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import forked

from ostoo_build.toolchain import find as toolchain

PROJECT = Path(__file__).parents[2]
TARGET = "x86_64-ostoo-user"


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def steps(self) -> list[str]:
        """What was done, as the user reads it: `Compiling core v0.0.0`."""
        verbs = ("Compiling", "Running", "Linking", "Stripping", "Checking", "Providing", "Deploying")
        return [line.strip() for line in self.stderr.splitlines() if line.strip().startswith(verbs)]

    def done(self, verb: str) -> list[str]:
        """The subjects of one verb, sorted, without versions."""
        return sorted(step.split()[1] for step in self.steps if step.startswith(verb))


@dataclass(frozen=True)
class Tree:
    """A checkout: `cache` is the action cache that its builds use."""

    root: Path
    cache: str

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a build as `command` does, in a process that has loaded already what is not of the checkout."""
        return forked.start(self._words(*arguments), self.root)

    def command(self, *arguments: str) -> list[str]:
        """A build's command."""
        return [sys.executable, "-S", "-P", *self._words(*arguments)]

    def _words(self, *arguments: str) -> list[str]:
        return ["site_scons/ostoo_scons/start.py", f"cache={self.cache}", *arguments]

    def scons(self, *arguments: str) -> Result:
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=600)
        return Result(process.returncode, stdout, stderr)

    def build(self, *arguments: str) -> Result:
        """Build, and expect that it works."""
        result = self.scons(*arguments)
        assert result.code == 0, result.stderr
        return result

    def begins(self, step: str, *arguments: str) -> bool:
        """Whether a build comes to a step that would take long; there it is killed."""
        process = self.start(*arguments)
        with process:
            assert process.stderr
            told = any(line.strip().startswith(step) for line in process.stderr)
            process.kill()
        for left in (self.root / "sysroot").glob(".*"):
            shutil.rmtree(left)  # else the next build that makes a sysroot does it
        return told

    def ostoo(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a verb with the packages that are here: by its script it would install them first."""
        command = [sys.executable, "-P", "-m", "ostoo_build.cli", *words]
        environment = {**os.environ, "PYTHONPATH": str(self.root / "site_scons")}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=True)

    def program(self, name: str, profile: str = "release") -> Path:
        return self.root / "build" / TARGET / profile / name

    def run(self, name: str, *arguments: str, profile: str = "release") -> tuple[int, str, str]:
        completed = subprocess.run(
            [self.program(name, profile), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
        return completed.returncode, completed.stdout, completed.stderr


@dataclass(frozen=True)
class ServedTree(Tree):
    """A checkout whose builds a server carries out; there must be one."""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*arguments), cwd=self.root, env=environment, stdout=pipe, stderr=pipe, text=True
        )

    def status(self) -> str:
        """What the server says of itself; empty if there is none."""
        said = self.ostoo("server", "status").stderr
        return "" if "no build server" in said else said

    def served(self) -> int:
        """How many builds it has done.

        Waits for those that run: a command is answered before its build has written its notes.
        """
        end = time.monotonic() + 60
        while (status := self.status()) and "builds: 0 running, " not in status:
            assert time.monotonic() < end
            time.sleep(0.05)
        return int(status.partition(" running, ")[2].partition(" ")[0] or 0)

    def wait_for_server(self) -> None:
        """Start a server by a build that fails at once, and wait until it answers."""
        self.start("nosuchprogram").communicate()
        end = time.monotonic() + 60
        while not self.status():
            assert time.monotonic() < end
            time.sleep(0.05)

    def stop_server(self) -> None:
        self.ostoo("server", "stop")


def cargo(folder: Path, *arguments: str) -> str:
    """What cargo of the toolchain that builds here take says: on PATH there may be another one, or none."""
    found = toolchain.find(PROJECT, {}, os.environ)
    command = [str(found.cargo), *arguments]
    environment = {**os.environ, **dict(found.env)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def take_sysroot(tree: Tree, made: Tree) -> Tree:
    """Give a checkout the sysroot that another one made of the same sources: it takes half a minute each time."""
    shutil.copytree(made.root / "sysroot" / TARGET, tree.root / "sysroot" / TARGET)
    return tree


def copy_sources(tree: Tree, root: Path) -> Tree:
    """Make another checkout of what is in one, but for its build folder; it has the same cache."""

    def made(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if name in ("build", ".git") and Path(folder) == tree.root]

    shutil.copytree(tree.root, root, symlinks=True, ignore=made)
    return Tree(root, tree.cache)


def copy_cache(cache: Path | str, copy: Path | str) -> None:
    """Copy an action cache that other tests fill meanwhile: results first, as what they name is stored before them.

    What the copy holds already stays as it is.
    """

    def copy_file(source: str, target: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # not stored yet: it is renamed right now
            if not Path(target).exists():
                shutil.copy2(source, target)

    Path(copy).mkdir(exist_ok=True)
    for part in ("ac", "cas"):
        if Path(cache, part).is_dir():
            shutil.copytree(Path(cache, part), Path(copy, part), copy_function=copy_file, dirs_exist_ok=True)
    for path in Path(cache).iterdir():
        if path.is_file():
            copy_file(str(path), str(Path(copy, path.name)))


@cache
def _archive() -> bytes:
    """What builds read of the project: files are made of it in a fifth of the time that copies of each take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    known = (name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file())
    compiled = (str(path.relative_to(PROJECT)) for path in (PROJECT / "site_scons").rglob("*.pyc"))
    names = (*(name for name in known if not name.startswith(("tests/", "bench/", "docs/"))), *compiled)
    packed = ["tar", "--create", "--format=posix", "--directory", str(PROJECT), "--", *names]
    return subprocess.run(packed, capture_output=True, check=True).stdout


def copy_tree(root: Path, cache: str) -> Tree:
    """Copy what git knows of the project, but for what no build reads: tests, benchmarks and documents.

    The toolchain and its wheels are shared: large, and never written to. Python's compiled modules come along, with the
    times of their sources: else each checkout makes them anew.
    """
    root.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "--extract", "--no-same-owner", "--directory", str(root)], input=_archive(), check=True)
    (PROJECT / ".toolchain").mkdir(exist_ok=True)
    (root / ".toolchain").symlink_to(PROJECT / ".toolchain")
    return Tree(root, cache)
