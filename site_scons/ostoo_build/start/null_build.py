"""Detects a null build, one with nothing to do, by `stat` alone, before SCons is loaded.

A build that found everything up to date writes a note of all files that it depends on (`null_build_note`). While each
has the same stamp, and no file was added, the same command has nothing to do.

This module imports nothing that Python has not already loaded: imports are most of the time of such a build.
"""

from __future__ import annotations

import marshal
import os
import sys
from binascii import crc32

from ostoo_build.base import layout, state_file, terminal
from ostoo_build.base import stamps as file_stamps

TYPE_CHECKING = False  # loading `typing` takes half as long as the whole check
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from ostoo_build.base.stamps import Stamps, Tree

try:
    from _blake2 import blake2b  # loads in a third of hashlib's time
except ImportError:
    from hashlib import blake2b

Question = tuple[str, str, list[str], bytes]
"""Python's version and path, the arguments, and a digest of the environment, which may contain secrets."""

_DIGEST, _LENGTH = 32, 8
"""Lengths in bytes of the digest and of the length in front of a part of a note."""

_NUMBER = b"%d\n" % state_file.FORMAT
"""The begin of a note. One that begins otherwise is of another version; the next build replaces it."""

QUIET = frozenset({"-s", "--silent", "--quiet"})
OF_DISPLAY = QUIET | {"--verbose"}
"""Options that say how much is shown, and nothing of what is done."""

HARMLESS = frozenset(map(str.encode, terminal.OF_SHELLS))
"""Variables that no request depends on."""


class StampSet:
    """The stamps of all files in some trees, and of single paths, at one moment.

    `places` has a stamp by absolute path, None for a missing file; `entries` has the same for each of the `trees`,
    with an empty stamp for a folder in it. Writers and readers of a note share this type.
    """

    __slots__ = ("entries", "places", "trees")

    def __init__(self, trees: Sequence[Tree], places: Stamps, entries: list[Stamps]) -> None:
        self.trees, self.places, self.entries = trees, places, entries

    @staticmethod
    def of(trees: Sequence[Tree], places: Iterable[str]) -> StampSet:
        """Take the stamps. Raises `OSError` for a tree that can't be read."""
        return StampSet(trees, {name: _stamp_of(name) for name in places}, list(map(file_stamps.of_tree, trees)))

    def change(self) -> str | None:
        """Return a path that has changed, or None. Files that people edit are checked first."""
        for name, stamp in self.places.items():
            if _stamp_of(name) != stamp:
                return name
        for tree, known in zip(self.trees, self.entries, strict=True):
            now = file_stamps.of_tree(tree)
            if now != known:
                return next(_differences(known, now))
        return None

    def changes(self, later: StampSet) -> set[str]:
        """Return all paths that differ from a later set."""
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
        """Return all paths in the trees."""
        return set().union(*self.entries)


def _differences(before: Stamps, after: Stamps) -> Iterator[str]:
    for name in before.keys() | after.keys():
        if name not in before or name not in after or before[name] != after[name]:
            yield name


class Note:
    """A request that had nothing to do, and everything that this depends on.

    `question` is the request, `stamps` those that must be unchanged, `targets` the names of the targets. `said` are the
    compilers' messages about them, with colours.
    """

    __slots__ = ("question", "said", "stamps", "targets")

    def __init__(self, question: Question, stamps: StampSet, targets: list[str], said: str) -> None:
        self.question, self.stamps, self.targets, self.said = question, stamps, targets, said

    def answers(self, asked: Question) -> bool:
        """Whether the same request has nothing to do now. Raises `OSError` for a tree that can't be read."""
        return self.question == asked and self.stamps.change() is None

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` parses; what an edit changes comes first, as it is read alone after an edit."""
        stamps = self.stamps
        first = _sealed((self.question, stamps.places))
        return _NUMBER + first + _sealed((list(stamps.trees), stamps.entries, self.targets, self.said))

    @staticmethod
    def from_bytes(content: bytes) -> Note | None:
        """Parse the output of `to_bytes`; return None for anything else."""
        try:
            (question, places), end = _opened(content, len(_NUMBER))
            (trees, entries, targets, said), _ = _opened(content, end)
            return Note(question, StampSet(trees, places, entries), targets, said)
        except _UNREADABLE:
            return None


_UNREADABLE = (ValueError, EOFError, TypeError)
"""What a note that was damaged, or written by another Python, raises."""


def _sealed(value: tuple[Any, ...]) -> bytes:
    content = marshal.dumps(value)
    return digest(content) + len(content).to_bytes(_LENGTH, "big") + content


def _opened(content: bytes, start: int) -> tuple[Any, int]:
    """Return the value that `_sealed` wrote at an offset, and the offset behind it. Raises one of `_UNREADABLE`."""
    begin = start + _DIGEST + _LENGTH
    end = begin + int.from_bytes(content[start + _DIGEST : begin], "big")
    if end > len(content) or digest(content[begin:end]) != content[start : start + _DIGEST]:
        raise ValueError
    return marshal.loads(content[begin:end]), end  # noqa: S302 - nobody damaged it


def proof(root: str, asked: Question) -> Note | None:
    """Return the note by which a request has nothing to do; None if there is none."""
    path = place(root, asked)
    content = _content(path)
    if content is None or _is_outdated(content, asked):
        return None
    known = _parsed(path, content)
    try:
        return known if known is not None and known.answers(asked) else None
    except (OSError, TypeError, ValueError):
        return None


def _is_outdated(content: bytes, asked: Question) -> bool:
    """Whether a note's first part says that there may be work. It is a fraction of the note."""
    try:
        (question, places), _ = _opened(content, len(_NUMBER))
        return bool(question != asked or StampSet((), places, []).change() is not None)
    except _UNREADABLE:
        return False  # it is damaged, which is told where it is parsed


def remember(root: str, asked: Question, began: int) -> None:
    """Keep that a request with a note had nothing to do, at a time in nanoseconds since the epoch. Raises `OSError`."""
    state_file.write(f"{root}/{layout.LAST_NULL_BUILD}", b"%d %08x" % (began, _name(asked)))


def last(root: str) -> tuple[int, Note] | None:
    """Return when the last null build began, and its note; None if there was none, or its note is another by now."""
    content = state_file.recall(f"{root}/{layout.LAST_NULL_BUILD}")
    began, _, name = (content or b"").partition(b" ")
    if not (began.isdigit() and name.isalnum()):
        return None
    known = _read(f"{root}/{layout.NULL_BUILDS}/{name.decode()}")
    return (int(began), known) if known is not None else None


def doubt(root: str, asked: Question) -> str | None:
    """Return why it is not known that a request has nothing to do; None if that is known."""
    known = _note(root, asked)
    if known is None:
        return "no build of this command has noted what it depends on"
    if known.question != asked:
        return "Python or the environment is another one"
    try:
        changed = known.stamps.change()
    except OSError as error:
        changed = str(error.filename)
    return changed and f"{changed.removeprefix(f'{root}/')} changed"


def _note(root: str, asked: Question) -> Note | None:
    return _read(place(root, asked))


def _read(path: str) -> Note | None:
    content = _content(path)
    return None if content is None else _parsed(path, content)


def _content(path: str) -> bytes | None:
    """Return a note; None if there is none, or one of another version."""
    content = state_file.recall(path)
    return None if content is None or not content.startswith(_NUMBER) else content


def _parsed(path: str, content: bytes) -> Note | None:
    known = Note.from_bytes(content)
    if known is None:
        state_file.found_damaged(path)
    return known


def digest(content: bytes) -> bytes:
    """Return the digest in front of a part of a note: marshal trusts its input."""
    return blake2b(content, digest_size=_DIGEST).digest()


def ask(arguments: list[str]) -> Question:
    """Return the request: the command, and all that it may depend on apart from files."""
    arguments = [word for word in arguments if word not in OF_DISPLAY]
    environment = sorted(pair for pair in os.environb.items() if pair[0] not in HARMLESS)
    return (sys.version, sys.executable, arguments, digest(b"\0".join(b"=".join(pair) for pair in environment)))


def plain(asked: Question) -> Question:
    """The same request without options; a request with options writes no note."""
    python, path, words, environment = asked
    return (python, path, [word for word in words if not word.startswith("-")], environment)


def place(root: str, asked: Question) -> str:
    """Return the note's path. Requests that share a path only overwrite each other's note."""
    return f"{root}/{layout.NULL_BUILDS}/{_name(asked):08x}"


def _name(asked: Question) -> int:
    return crc32(os.fsencode("\0".join(asked[2])))


def _stamp_of(path: str) -> file_stamps.Stamp | None:
    try:
        return file_stamps.of(path)
    except OSError:
        return None
