"""Every file in which builds remember something, and every way in which one may be damaged.

As a program, python damage.py CHECKOUT ROUNDS [SEED], it damages some files of a built checkout in each round, builds,
and compares the programs with those that were there.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trees import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = ("action.json", "metadata.json", ".stamps.json", "suite.json", "checked.json", "report.json")
_FUTURE = 1 << 33
_LARGE = 1 << 30


def state_files(root: Path, user: Path) -> list[Path]:
    """What builds in a checkout, and those of its user, remember: `user` is the user's cache folder of this build."""
    memos = root / "build/.ostoo"
    found = [path for name in _NAMES for top in ("build", "sysroot") for path in (root / top).rglob(name)]
    found += [*memos.rglob("*"), *(user / "plans").glob("*"), *(user / "toolchains").glob("*"), user / "compilers.json"]
    return sorted({path for path in found if _is_whole(path)})


def _is_whole(path: Path) -> bool:
    """Not damaged in an earlier round, and never looked at since."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size < _LARGE


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes() or b"\0")
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def _anew(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(1 << 40)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "lost": lambda path: path.unlink(),
    "empty": empty,
    "cut": cut,
    "a bit flipped": flip,
    "nested deep": lambda path: path.write_bytes(b"[" * 100_000),
    "objects nested deep": lambda path: path.write_bytes(b'{"a":' * 100_000),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe" * 100),
    "another document": lambda path: path.write_bytes(b'{"key": 1, "outputs": []}'),
    "a number": lambda path: path.write_bytes(b"1"),
    "huge": _anew(_huge),
    "a folder": _anew(lambda path: (path / "a/b").mkdir(parents=True)),
    "a pipe": _anew(os.mkfifo),
    "a link to itself": _anew(lambda path: path.symlink_to(path.name)),
    "a link to nowhere": _anew(lambda path: path.symlink_to("nowhere")),
    "a link to a device": _anew(lambda path: path.symlink_to("/dev/zero")),
    "unreadable": lambda path: path.chmod(0),
    "from the future": lambda path: os.utime(path, (_FUTURE, _FUTURE)),
}
HARMLESS = frozenset({"lost", "from the future"})
"""What needs no word."""


def campaign(root: Path, rounds: int, seed: int) -> int:
    """How many rounds went wrong; each is told with what was damaged."""
    chance = random.Random(seed)  # noqa: S311 - it decides nothing but tests
    user = Path(os.environ["XDG_CACHE_HOME"]) / "ostoo-build"
    tree, wrong = Tree(root, str(user)), 0
    tree.build()
    programs = {path: path.read_bytes() for path in root.glob("build/*/release/*") if path.is_file()}
    for number in range(rounds):
        files = state_files(root, user)
        damaged = {path: chance.choice(list(DAMAGES)) for path in chance.sample(files, chance.randint(1, 5))}
        for path, name in damaged.items():
            DAMAGES[name](path)
        if chance.random() < 0.5:
            program = chance.choice(list(programs))
            program.unlink(missing_ok=True)
        result = tree.scons()
        if result.code or any(not path.is_file() or path.read_bytes() != good for path, good in programs.items()):
            wrong += 1
            sys.stdout.write(f"round {number}: {damaged}\n{result.stderr}\n")
            shutil.rmtree(root / "build")
            tree.build()
    return wrong


if __name__ == "__main__":
    told = campaign(Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    sys.stdout.write(f"{told} rounds went wrong\n")
    sys.exit(bool(told))
