"""Measures the editor loop, from a save to a new program: python bench/edit_bench.py [--rounds N] [--markdown].

Compares `./ostoo watch`, and a command that a build server serves, with only the commands that they run for that edit,
rustc and the link, and with cargo. Each has its own checkout; they alternate. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / path) for path in ("site_scons", "tests/e2e", "tests/support")]

import aims  # noqa: E402 - found only by the path that is set above
import logged  # noqa: E402 - likewise
import ninja_graph  # noqa: E402 - likewise
import table as markdown  # noqa: E402 - likewise
import turns  # noqa: E402 - likewise
from contenders import Contender, Ours, enter  # noqa: E402 - likewise
from trees import TARGET  # noqa: E402 - likewise

from ostoo_build.base.errors import OstooError  # noqa: E402 - likewise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aims import Aim
    from logged import Logged

PROGRAM = "hello-std"
MAIN = f"user-rs/{PROGRAM}/src/main.rs"
ANCHOR = 'println!("Hello'
PROFILES = ("release", "dev")
PATIENCE = 60.0
"""Seconds after which a build that does not come is given up."""


@dataclass
class Editor(ABC):
    """One way from a save to a program, in one profile."""

    root: Path
    profile: str
    seconds: list[float] = field(default_factory=list)

    @property
    @abstractmethod
    def program(self) -> Path: ...

    @abstractmethod
    def built(self) -> None:
        """Return when the program contains the edit."""

    def edit(self, number: int) -> None:
        """Save an edit and measure. Raises `OstooError` if the program does not contain it."""
        marker = f"This is edit number {number:04}."
        path = self.root / MAIN
        good = path.read_text(encoding="utf-8")
        path.write_text(good.replace(ANCHOR, f'println!("{marker}"); {ANCHOR}'), encoding="utf-8")
        start = time.perf_counter()
        try:
            self.built()
            self.seconds.append(time.perf_counter() - start)
            if marker.encode() not in self.program.read_bytes():
                raise OstooError(f"the edit is not in {self.program}")
        finally:
            path.write_text(good, encoding="utf-8")
        self.undone()

    @abstractmethod
    def undone(self) -> None:
        """Build again after the edit was undone."""


@dataclass
class Watching(Editor):
    """`./ostoo watch`, running all the time."""

    @property
    def program(self) -> Path:
        return self.root / "build" / TARGET / self.profile / PROGRAM

    @contextmanager
    def started(self) -> Iterator[None]:
        """Run it while the context lasts."""
        command = [
            sys.executable,
            "-P",
            "-m",
            "ostoo_build.cli",
            "watch",
            PROGRAM,
            f"profile={self.profile}",
            "cache=off",
        ]
        environment = {**os.environ, "PYTHONPATH": str(self.root / "site_scons")}
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(command, cwd=self.root, env=environment, stdout=log, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                process.wait()

    def built(self) -> None:
        """Wait for a new file: a new program is always another file."""
        before, end = self.program.stat().st_ino, time.monotonic() + PATIENCE
        while self.program.stat().st_ino == before:
            if time.monotonic() > end:
                raise OstooError("no new program came", where=str(self.root))
            time.sleep(0.001)

    def undone(self) -> None:
        self.built()
        time.sleep(1)  # somebody who edits does not save again at once, and a new build has to read everything


@dataclass
class Served(Editor):
    """`./sconsw`, each time, with a build server."""

    contender: Ours = field(kw_only=True)

    @property
    def program(self) -> Path:
        return self.root / "build" / TARGET / self.profile / PROGRAM

    def built(self) -> None:
        self.contender.build([f"profile={self.profile}", PROGRAM])

    def undone(self) -> None:
        self.built()
        self.contender.settle()


@dataclass
class Bare(Editor):
    """The commands of our build for this program, and nothing else."""

    @property
    def program(self) -> Path:
        return self.root / self._unit / Path(self._unit).name

    @property
    def _unit(self) -> str:
        folder = f"build/{TARGET}/{self.profile}/units"
        (found,) = (self.root / folder).glob("hello_std-*")
        return f"{folder}/{found.name}"

    @cached_property
    def actions(self) -> list[tuple[list[str], Path, dict[str, str]]]:
        """The two command lines, each with its working directory and environment."""
        return [self._action(each) for each in logged.read(self.root) if each.results == self._unit]

    def built(self) -> None:
        for argv, directory, environment in self.actions:
            done = subprocess.run(argv, cwd=directory, env=environment, capture_output=True, check=False)
            if done.returncode:
                raise OstooError(f"{argv[0]} failed: {done.stderr.decode()}", where=str(self.root))

    def undone(self) -> None:
        self.built()

    def _action(self, command: Logged) -> tuple[list[str], Path, dict[str, str]]:
        argv = [argument.replace("strip=none", "strip=symbols") for argument in command.argv]
        if command.mnemonic == "Rustc" and self.profile == "dev":
            argv += ["-C", f"incremental={self.root}/build/bare"]
        return argv, self.root / command.directory, {"PATH": os.environ["PATH"], **dict(command.environment)}


@dataclass
class Cargo(Editor):
    """`cargo build`."""

    contender: Contender = field(kw_only=True)

    @property
    def program(self) -> Path:
        folder = "debug" if self.profile == "dev" else self.profile
        return self.root / "user-rs/target" / TARGET / folder / PROGRAM

    def built(self) -> None:
        (command,) = self.contender.commands([PROGRAM])
        command = [f"--profile={self.profile}" if word == "--release" else word for word in command]
        done = subprocess.run(
            command, cwd=self.contender.folder, env=self.contender.environment, capture_output=True, check=False
        )
        if done.returncode:
            raise OstooError(f"cargo failed: {done.stderr.decode()}", where=str(self.root))

    def undone(self) -> None:
        self.built()


class Row(NamedTuple):
    """All ways in one profile."""

    watching: Watching
    served: Served
    bare: Bare
    cargo: Cargo


def main() -> None:
    turns.run("edit_bench.py", "Measure the editor loop.", measure_all, found, table)


def measure_all(scratch: Path, rounds: int) -> tuple[str, list[Row]]:
    """Let all edit in turn, and return a row for each profile. Raises `OstooError` if a build fails."""
    toolchain, (ours, _, cargo, *_) = enter(scratch, {})
    for profile in PROFILES:
        ours.build([f"profile={profile}", PROGRAM])
    served, bare = scratch / "served", scratch / "bare"
    for root in (served, bare):
        ninja_graph.copy(ours.root, root)
    rows = [
        Row(
            Watching(ours.root, profile),
            Served(served, profile, contender=replace(ours, root=served)),
            Bare(bare, profile),
            Cargo(cargo.root, profile, contender=cargo),
        )
        for profile in PROFILES
    ]
    for row in rows:
        _take_turns(row, rounds)
    return toolchain, rows


def _take_turns(row: Row, rounds: int) -> None:
    for each in (row.served, row.bare, row.cargo):
        each.undone()
    with row.watching.started():
        time.sleep(5)
        row.watching.edit(0)
        row.watching.seconds.clear()
        for number in range(1, rounds + 1):
            for editor in row[:: 1 if number % 2 else -1]:
                editor.edit(number)
                said = f"{number}/{rounds} {editor.profile} {type(editor).__name__} {editor.seconds[-1]:.3f} s"
                print(said, file=sys.stderr)


def found(rows: list[Row]) -> Iterator[tuple[Aim, float]]:
    """Yield the aims with their figures."""
    for row in rows:
        for way, ours in (("watch", row.watching), ("served", row.served)):
            yield aims.of_edits(way, ours.profile, ours.seconds, row.cargo.seconds)


def table(rows: list[Row]) -> str:
    """Return the medians as Markdown, with minimum and maximum in brackets."""
    head = ("Seconds", "watch", "command", "rustc and link alone", "cargo", "watch / cargo", "command / cargo")
    return markdown.table(head, [_cells(row) for row in rows])


def _cells(row: Row) -> tuple[str, ...]:
    watching, served, _, peer = (median(each.seconds) for each in row)
    spreads = (markdown.spread(each.seconds, 2) for each in row)
    return (row.watching.profile, *spreads, f"{watching / peer:.2f}", f"{served / peer:.2f}")


if __name__ == "__main__":
    main()
