"""A build is killed between any two of its changes to files, the edit is undone or another follows: all is well.

A longer campaign by hand: PYTHONPATH=site_scons:tests/e2e python tests/e2e/test_kill_points.py ROUNDS SEED
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from trees import TARGET, Tree, copy_cache, copy_sources, copy_tree

pytestmark = [pytest.mark.compiler, pytest.mark.long]

MAIN = "user-rs/hello-rs/src/main.rs"
CONTRACT = f"targets/{TARGET}.loader.json"
SAID = ("Heap works", "Heap works so", "Heap works not")
HERE = Path(__file__).parent


@dataclass
class Killings:
    """A checkout whose builds are killed; `points` are the places of that which builds change, by name.

    `tried` counts the kills at each.
    """

    tree: Tree
    random: random.Random
    text: str
    contract: str
    tried: dict[str, int] = field(default_factory=dict)

    def round(self) -> str:
        """Edit, kill, undo or edit again, build, and compare. Returns what the kill came before."""
        first, second, third = (self.random.choice(SAID) for _ in range(3))
        options = self.random.choice(((), ("cache=off",), ("profile=dev",)))
        self.edit(first)
        self.build(first, options)
        self.edit(second)
        if self.random.random() < 0.5:
            self._touch_contract()
        point = self._kill(options)
        self.edit(third)
        if self.random.random() < 0.5:
            self._touch_contract()
        self.build(third, options)
        if self.random.random() < 0.2 and "cache=off" not in options:
            self._build_a_clone(third, options)
        return point

    def edit(self, said: str) -> None:
        self.tree.write(MAIN, self.text.replace(SAID[0], said))

    def _touch_contract(self) -> None:
        self.tree.write(CONTRACT, self.contract + "\n" * self.random.randrange(1, 50))

    def build(self, said: str, options: tuple[str, ...]) -> None:
        result = self.tree.scons("hello-rs", *options)
        assert result.code == 0, result.stderr
        printed = self.tree.run("hello-rs", profile=_profile(options))[1]
        assert f"{said}: 42" in printed, (said, printed, self.tried)

    def _build_a_clone(self, said: str, options: tuple[str, ...]) -> None:
        root = self.tree.root.with_name("clone")
        try:
            Killings(copy_sources(self.tree, root), self.random, self.text, self.contract).build(said, options)
        finally:
            shutil.rmtree(root)

    def _kill(self, options: tuple[str, ...]) -> str:
        """Kill a build before the change that was tried least so far, of those that a build like this one makes."""
        state = self.tree.root.with_name("state")
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(self.tree.root / "build", state / "build", symlinks=True)
        shutil.copytree(self.tree.cache, state / "cache")
        points = self._run(0, options)
        for place, kept in ((self.tree.root / "build", "build"), (Path(self.tree.cache), "cache")):
            shutil.rmtree(place)
            (state / kept).rename(place)
        least = min(self.tried.get(point, 0) for point in points)
        number = self.random.choice([at for at, point in enumerate(points) if self.tried.get(point, 0) == least])
        self.tried[points[number]] = least + 1
        self._run(number + 1, options)
        return points[number]

    def _run(self, number: int, options: tuple[str, ...]) -> list[str]:
        """The changes that a build makes until it is killed, without what differs from run to run in their names."""
        log = self.tree.root.with_name("changes")
        places = (str(self.tree.root / "build"), self.tree.cache)
        command = [sys.executable, "-S", "-P", str(HERE / "killed_build.py"), str(log), str(number), *places, "--"]
        subprocess.run(
            [*command, "-Q", f"cache={self.tree.cache}", "hello-rs", *options],
            cwd=self.tree.root,
            env=dict(os.environ),
            capture_output=True,
            timeout=300,
            check=False,
        )
        return [_point(line, self.tree) for line in log.read_text().splitlines()]


def _point(line: str, tree: Tree) -> str:
    named = line.replace(str(tree.root), "").replace(tree.cache, "CACHE")
    return re.sub(r"[0-9a-f]{16,}|\.\d+\.[0-9a-f]+|/[0-9a-f]{2}(?=/)|(?<=null-builds/)\w+", "*", named)


def _profile(options: tuple[str, ...]) -> str:
    return "dev" if "profile=dev" in options else "release"


def killings(folder: Path, cache: Path, seed: int) -> Killings:
    """Set a checkout up, with a cache of its own."""
    copy_cache(cache, folder / "cache")
    tree = copy_tree(folder / "victim", str(folder / "cache"))
    text, contract = ((tree.root / name).read_text() for name in (MAIN, CONTRACT))
    return Killings(tree, random.Random(seed), text, contract)  # noqa: S311 - faults, not secrets


def test_a_build_that_was_killed_between_two_changes_leads_to_no_wrong_program(
    tmp_path: Path, first_developed: Tree
) -> None:
    """Some of the builds are for development: the cache has what std is made of for both."""
    subject = killings(tmp_path, Path(first_developed.cache), 1)
    subject.edit(SAID[1])
    subject.build(SAID[1], ())  # of parts from the cache: else the first build without a cache would compile core
    tried = {subject.round() for _ in range(3)}
    assert len(tried) == 3, "each time another place"


def main() -> None:
    """Have builds killed as often as the command line says, and tell before which changes."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty").mkdir()
        subject = killings(Path(folder), Path(folder) / "empty", int(sys.argv[2]))
        for number in range(int(sys.argv[1])):
            point = subject.round()
            sys.stdout.write(f"{number + 1} {time.monotonic() - began:.0f} s: {point}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{sys.argv[1]} rounds, {len(subject.tried)} places: no wrong program\n")


if __name__ == "__main__":
    main()
