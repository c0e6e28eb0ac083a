"""Whatever happens to a cache while builds use it, they end well and make the same programs.

A longer campaign by hand: PYTHONPATH=site_scons:tests/e2e python tests/e2e/test_cache_faults.py BUILDS ROUNDS
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from trees import Tree, copy_cache, copy_tree

from ostoo_build.execution import cache_upkeep

pytestmark = pytest.mark.compiler


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 3] ^= 4
        path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def lose(path: Path) -> None:
    path.unlink()


DAMAGES = (flip, cut, lose)


def damage_half(cache: Path, chance: random.Random) -> None:
    """Damage half of a cache's entries, each in one of three ways."""
    for path in sorted(path for part in ("ac", "cas") for path in (cache / part).rglob("*")):
        if chance.random() < 0.5:
            try:
                chance.choice(DAMAGES)(path)
            except OSError:
                continue  # a folder, or a build has just replaced it


def harass(cache: Path, over: threading.Event, chance: random.Random) -> None:
    """Clear, collect and damage a cache until the builds are over."""
    while not over.wait(chance.uniform(0.3, 2)):
        what = chance.randrange(4)
        if what == 0:
            cache_upkeep.clear(cache)
        elif what == 1:
            cache_upkeep.collect(cache, chance.randrange(1 << 26))
        else:
            damage_half(cache, chance)


def builds_at_once(folder: Path, cache: Path, count: int, expected: bytes, chance: random.Random) -> None:
    """Have so many fresh checkouts built at once from one cache that is harassed meanwhile."""
    shared = folder / "cache"
    copy_cache(cache, shared)
    damage_half(shared, chance)
    trees = [copy_tree(folder / f"tree{number}", str(shared)) for number in range(count)]
    over = threading.Event()
    harassing = threading.Thread(target=harass, args=(shared, over, chance))
    harassing.start()
    try:
        with ThreadPoolExecutor(count) as pool:
            results = list(pool.map(lambda tree: tree.scons("hello-rs"), trees))
    finally:
        over.set()
        harassing.join()
    for tree, result in zip(trees, results, strict=True):
        assert result.code == 0, result.stderr
        assert tree.program("hello-rs").read_bytes() == expected
        assert "error" not in result.stderr


def test_builds_end_well_whatever_happens_to_their_cache(first: Tree, tmp_path: Path) -> None:
    builds_at_once(tmp_path, Path(first.cache), 2, first.program("hello-rs").read_bytes(), random.Random(1))  # noqa: S311 - faults, not secrets


def main() -> None:
    """Have builds harassed as the command line says."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "good")
        cache.mkdir()
        first = copy_tree(Path(folder, "first"), str(cache))
        first.build("hello-rs")
        expected = first.program("hello-rs").read_bytes()
        for number in range(int(sys.argv[2])):
            here = Path(folder, f"round{number}")
            builds_at_once(here, cache, int(sys.argv[1]), expected, random.Random(number))  # noqa: S311 - likewise
            shutil.rmtree(here)
            sys.stdout.write(f"round {number + 1}: {time.monotonic() - began:.0f} s, no wrong program\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
