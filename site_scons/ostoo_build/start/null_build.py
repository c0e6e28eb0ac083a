"""Proves by `stat` alone that a build has nothing to do, before SCons is loaded. Does not know what a build is made of.

A build that found everything up to date has left a note of all files that it depends on: see `null_build_note`. As long
as each is as it was, in the eyes of the file system, and nothing was added, the same command has nothing to do again.

Nothing is imported here that Python has not loaded already: this is most of what such a build waits for.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from binascii import crc32

from ostoo_build.base import layout, state_file, target_folder
from ostoo_build.base import stamps as file_stamps

TYPE_CHECKING = False  # typing itself takes as long to be loaded as half of the look
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

try:
    from _blake2 import blake2b  # in a third of the time that hashlib takes to be loaded
except ImportError:
    from hashlib import blake2b

STARTED = time.time_ns()
"""When this process began to look at files."""

Question = tuple[str, str, list[str], bytes]
"""Python's version and path, the command's words, and a digest of the environment: it may hold secrets."""

Tree = tuple[str, list[str]]
"""A folder, and names at its top that do not count."""

Stamps = dict[str, "file_stamps.Stamp | None"]

question: Question | None = None
"""What this process was asked, in the form of `ask`; None where SCons was started by itself."""

DIGEST = 32
"""Bytes of the digest before a note's content."""

_HARMLESS = frozenset({b"_", b"COLUMNS", b"LINES", b"OLDPWD", b"PWD", b"SHLVL", b"TERM_SESSION_ID", b"WINDOWID"})
"""Variables that shells and terminals change all the time, and that nothing here reads."""


_FOLDER: file_stamps.Stamp = []
"""What stands for a folder in a tree: what is in it has entries of its own."""


class Sight:
    """What `stat` said at one moment of all that lies in some trees, and of single places.

    `places` has a stamp by absolute path, None for what is not there; `entries` the same for each of the `trees`, and
    for a folder in it an empty stamp. Who writes it and who reads it both know it as this.
    """

    __slots__ = ("entries", "places", "trees")

    def __init__(self, trees: Sequence[Tree], places: Stamps, entries: list[Stamps]) -> None:
        self.trees, self.places, self.entries = trees, places, entries

    @staticmethod
    def of(trees: Sequence[Tree], places: Iterable[str]) -> Sight:
        """Look. Raises `OSError` for a tree that can't be looked through."""
        return Sight(trees, {name: _stamp_of(name) for name in places}, list(map(_walk, trees)))

    def change(self) -> str | None:
        """Something that is not as it was; what people edit is looked at first, and one difference is enough."""
        for name, stamp in self.places.items():
            if _stamp_of(name) != stamp:
                return name
        for tree, known in zip(self.trees, self.entries, strict=True):
            now = _walk(tree)
            if now != known:
                return next(_differences(known, now))
        return None

    def changes(self, later: Sight) -> set[str]:
        """All that is not as it was at another, later moment."""
        return set(_differences(self.all(), later.all()))

    def all(self) -> Stamps:
        """All stamps by path."""
        found = dict(self.places)
        for entries in self.entries:
            for name, stamp in entries.items():
                if stamp or name not in found:
                    found[name] = stamp
        return found

    def walked(self) -> set[str]:
        """All that lies in the trees."""
        return set().union(*self.entries)


def _differences(before: Stamps, after: Stamps) -> Iterator[str]:
    for name in before.keys() | after.keys():
        if name not in before or name not in after or before[name] != after[name]:
            yield name


class Note:
    """What a command found up to date, and all that this stands on.

    `question` is the command, `sight` what has to be as it was, and `targets` what the command is about.
    """

    __slots__ = ("question", "sight", "targets")

    def __init__(self, question: Question, sight: Sight, targets: list[str]) -> None:
        self.question, self.sight, self.targets = question, sight, targets

    def answers(self, asked: Question) -> bool:
        """Whether the same command has nothing to do now. Raises `OSError` where a tree can't be looked through."""
        return self.question == asked and self.sight.change() is None

    def to_bytes(self) -> bytes:
        sight = self.sight
        content = marshal.dumps((self.question, (list(sight.trees), sight.places, sight.entries), self.targets))
        return digest(content) + content

    @staticmethod
    def from_bytes(content: bytes) -> Note | None:
        """Read what `to_bytes` wrote; None for anything else."""
        if digest(content[DIGEST:]) != content[:DIGEST]:
            return None
        try:
            question, sight, targets = marshal.loads(content[DIGEST:])  # noqa: S302 - nobody damaged it
            return Note(question, Sight(*sight), targets)
        except (ValueError, EOFError, TypeError):  # another Python's
            return None


def targets(root: str, asked: Question) -> list[str] | None:
    """Return what a command is about that has nothing to do; None where that is not known."""
    path = place(root, asked)
    content = state_file.recall(path)
    if content is None:
        return None
    known = Note.from_bytes(content)
    if known is None:
        state_file.found_damaged(path)
        return None
    try:
        return known.targets if known.answers(asked) else None
    except (OSError, TypeError, ValueError):
        return None


def digest(content: bytes) -> bytes:
    """What stands before a note's content: marshal trusts what it reads."""
    return blake2b(content, digest_size=DIGEST).digest()


def ask(arguments: list[str]) -> Question:
    """The command, and all around it that it may depend on and that is no file."""
    environment = sorted(pair for pair in os.environb.items() if pair[0] not in _HARMLESS)
    return (sys.version, sys.executable, arguments, digest(b"\0".join(b"=".join(pair) for pair in environment)))


def place(root: str, asked: Question) -> str:
    """The note's path; commands that share one only cost each other time."""
    name = crc32(os.fsencode("\0".join(asked[2])))
    return f"{root}/{layout.NULL_BUILDS}/{name:08x}"


def _walk(tree: Tree) -> Stamps:
    top, skipped = tree[0], frozenset(tree[1])
    folders, of_status = [top], file_stamps.of_status
    found: Stamps = {}
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name in skipped and folder == top:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if name == "__pycache__" and "/site_scons/" in entry.path:
                        continue  # Python writes there what it imports, even during a build
                    if name != ".git" and not (name == "target" and target_folder.is_target(entry.path)):
                        folders.append(entry.path)
                    found[entry.path] = _FOLDER
                else:
                    found[entry.path] = of_status(entry.stat())
    return found


def _stamp_of(path: str) -> file_stamps.Stamp | None:
    try:
        return file_stamps.of(path)
    except OSError:
        return None
