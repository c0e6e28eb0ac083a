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
    from collections.abc import Iterator, Sequence

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

question: Question | None = None
"""What this process was asked, in the form of `ask`; None where SCons was started by itself."""

DIGEST = 32
"""Bytes of the digest before a note's content."""

_HARMLESS = frozenset({b"_", b"COLUMNS", b"LINES", b"OLDPWD", b"PWD", b"SHLVL", b"TERM_SESSION_ID", b"WINDOWID"})
"""Variables that shells and terminals change all the time, and that nothing here reads."""


class Note:
    """What a command found up to date, and all that this stands on.

    `question` is the command, `trees` and `places` are what has to be as it was, `stamps` what `stat` said of them,
    and `targets` what the command is about.
    """

    __slots__ = ("places", "question", "stamps", "targets", "trees")

    def __init__(
        self, question: Question, trees: list[Tree], places: list[str], stamps: list[object], targets: list[str]
    ) -> None:
        self.question, self.trees, self.places, self.stamps, self.targets = question, trees, places, stamps, targets

    def answers(self, asked: Question) -> bool:
        """Whether the same command has nothing to do now. Raises `OSError` where a place can't be looked at."""
        return self.question == asked and _hold(self.trees, self.places, self.stamps)

    def to_bytes(self) -> bytes:
        content = marshal.dumps((self.question, self.trees, self.places, self.stamps, self.targets))
        return digest(content) + content

    @staticmethod
    def from_bytes(content: bytes) -> Note | None:
        """Read what `to_bytes` wrote; None for anything else."""
        if digest(content[DIGEST:]) != content[:DIGEST]:
            return None
        try:
            return Note(*marshal.loads(content[DIGEST:]))  # noqa: S302 - nobody damaged it
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


def stamps(trees: Sequence[Tree], places: list[str]) -> list[object]:
    """What `stat` says of all files in some trees, and of single files and folders."""
    return [stamp for part in _parts(trees, places) for stamp in part]


def _hold(trees: Sequence[Tree], places: list[str], known: list[object]) -> bool:
    """Whether `stamps` would say the same. What people edit comes first, and one difference is enough."""
    at = 0
    for part in _parts(trees, places):
        if known[at : at + len(part)] != part:
            return False
        at += len(part)
    return at == len(known)


def _parts(trees: Sequence[Tree], places: list[str]) -> Iterator[list[object]]:
    """The stamps of all places, then those of each tree."""
    yield [_stamp_of(path) for path in places]
    for top, skipped in trees:
        found: list[object] = []
        _walk(top, frozenset(skipped), found)
        yield found


def _walk(top: str, skipped: frozenset[str], found: list[object]) -> None:
    folders, of_status = [top], file_stamps.of_status
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
                    found.append(entry.path)
                else:
                    status = entry.stat()
                    found.append((entry.path, *of_status(status)))


def _stamp_of(path: str) -> file_stamps.Stamp | None:
    try:
        return file_stamps.of(path)
    except OSError:
        return None
