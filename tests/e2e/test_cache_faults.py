"""Whatever happens to a cache while builds use it, they end well and make the same programs.

A longer campaign by hand: PYTHONPATH=site_scons:tests/e2e python tests/e2e/test_cache_faults.py BUILDS ROUNDS
"""

from __future__ import annotations

import contextlib
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
from damage import cut
from trees import Tree, copy_cache, copy_tree

from ostoo_build.cache import upkeep as cache_upkeep

pytestmark = pytest.mark.compiler


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 3] ^= 4
        path.write_bytes(data)


def lose(path: Path) -> None:
    path.unlink()


DAMAGES = (flip, cut, lose)


def keep_large(cache: Path, kept: Path) -> frozenset[Path]:
    """Copy a cache's files from 1 MB on, and the results that name them; their places in the cache, the copies' too.

    That is what core makes, and 20 s of processor time each time it is lost. In a short run they are spared: damage is
    found by the same code in a small file. The long campaign spares nothing.
    """
    large = {path for path in (cache / "cas").rglob("*") if path.is_file() and path.stat().st_size >= 1 << 20}
    names = {path.name.encode() for path in large}
    results = {path for path in (cache / "ac").rglob("*") if path.is_file()}
    naming = {path for path in results if any(name in path.read_bytes() for name in names)}
    places = frozenset(path.relative_to(cache) for path in (*large, *naming))
    for place in places:
        (kept / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(cache / place, kept / place)
    return places


def put_back(cache: Path, kept: Path, places: frozenset[Path]) -> None:
    """Put there again what was kept and is gone: files before the results that name them."""
    for place in sorted(places, key=lambda place: place.parts[0] == "ac"):
        with contextlib.suppress(FileExistsError):
            (cache / place).parent.mkdir(parents=True, exist_ok=True)
            os.link(kept / place, cache / place)


def damage_half(cache: Path, chance: random.Random, spared: frozenset[Path]) -> None:
    """Damage half of a cache's entries, each in one of three ways."""
    paths = sorted(path for part in ("ac", "cas") for path in (cache / part).rglob("*"))
    for path in paths:
        if path.relative_to(cache) not in spared and chance.random() < 0.5:
            try:
                chance.choice(DAMAGES)(path)
            except OSError:
                continue  # a folder, or a build has just replaced it


def harass(cache: Path, over: threading.Event, chance: random.Random, kept: Path, spared: frozenset[Path]) -> None:
    """Clear, collect and damage a cache until the builds are over."""
    while not over.wait(chance.uniform(0.3, 2)):
        what = chance.randrange(4)
        if what == 0:
            cache_upkeep.clear(cache)
        elif what == 1:
            cache_upkeep.collect(cache, chance.randrange(1 << 26))
        else:
            damage_half(cache, chance, spared)
        put_back(cache, kept, spared)


def builds_at_once(
    folder: Path, cache: Path, count: int, expected: bytes, chance: random.Random, *, spares_large: bool
) -> None:
    """Have so many fresh checkouts built at once from one cache that is harassed meanwhile."""
    shared, kept = folder / "cache", folder / "kept"
    copy_cache(cache, shared)
    spared = keep_large(shared, kept) if spares_large else frozenset()
    damage_half(shared, chance, spared)
    trees = [copy_tree(folder / f"tree{number}", str(shared)) for number in range(count)]
    over = threading.Event()
    harassing = threading.Thread(target=harass, args=(shared, over, chance, kept, spared))
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
    expected, chance = first.program("hello-rs").read_bytes(), random.Random(1)  # noqa: S311 - faults, not secrets
    builds_at_once(tmp_path, Path(first.cache), 2, expected, chance, spares_large=True)


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
            chance = random.Random(number)  # noqa: S311 - likewise
            builds_at_once(here, cache, int(sys.argv[1]), expected, chance, spares_large=False)
            shutil.rmtree(here)
            sys.stdout.write(f"round {number + 1}: {time.monotonic() - began:.0f} s, no wrong program\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
