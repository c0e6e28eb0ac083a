"""Finds the files that a linker's arguments name, in any option, and those that linker scripts name in turn.

It doesn't know LLD's options: each part of an argument that leads to a file counts, so it may find too many. The
dependency file reports missing ones afterwards (`rules.link_proof`), except response files and members of thin
archives, which LLD does not list.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ostoo_build.base import digest
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LARGEST_SCRIPT = 1 << 20
"""The maximum size of a linker script in bytes. Larger files are data."""

_THIN = b"!<thin>\n"
_WORD = lazy_pattern(r"[^\s(){},;\"'*]+")
_QUOTED = lazy_pattern(r"\"([^\"\n]*)\"")
_LIBRARY = lazy_pattern(r"lib.+\.(a|so)|.+\.lib|crt.*\.o")


@dataclass
class NamedFiles:
    """The files that arguments name, in the order of their discovery. `unseen` are those that no linker reports."""

    files: dict[Path, None] = field(default_factory=dict)
    unseen: dict[Path, None] = field(default_factory=dict)


def named(arguments: Iterable[str], directory: Path, searches: Iterable[Path]) -> NamedFiles:
    """Return the files that arguments of a linker name, which runs in `directory` and searches some folders."""
    walk = _Walk(directory, [], NamedFiles())
    for folder in searches:
        walk.search(folder)
    walk.follow(arguments)
    return walk.found


@dataclass
class _Walk:
    directory: Path
    searches: list[Path]
    found: NamedFiles

    def follow(self, arguments: Iterable[str]) -> None:
        for argument in self._expanded(arguments, frozenset()):
            for word in _parts(argument):
                self._meet(word, self.directory)

    def search(self, folder: Path) -> None:
        """Add all libraries in a folder: crates may request some of them in their metadata."""
        if folder.is_dir() and folder not in self.searches:
            self.searches.append(folder)
            for path in sorted(folder.iterdir()):
                if _LIBRARY.fullmatch(path.name) and path.is_file():
                    self._add(path)

    def _expanded(self, arguments: Iterable[str], within: frozenset[Path]) -> Iterator[str]:
        """Replace response files by their contents, which LLD also does first."""
        for argument in arguments:
            path = self.directory / argument[1:]
            if argument.startswith("@") and path not in within and path.is_file():
                self.found.unseen[path] = None
                self.found.files[path] = None
                yield from self._expanded(_words_of_response(path), within | {path})
            else:
                yield argument

    def _meet(self, word: str, beside: Path) -> None:
        """Interpret a word as a file, a folder to search, and the name of a library."""
        name = word.removeprefix("-l").removeprefix(":") if word.startswith("-l") else word
        names = dict.fromkeys((word, name, f"lib{name}.a", f"lib{name}.so", word.lstrip("=")))
        for folder in dict.fromkeys((self.directory, beside, *self.searches)):
            for each in names:
                # strings instead of paths: a script has hundreds of words, and few of them are files
                if os.path.isfile(os.path.join(folder, each)):  # noqa: PTH113, PTH118
                    self._add(folder / each)
        if word.strip("./") and os.path.isdir(os.path.join(self.directory, word)):  # noqa: PTH112, PTH118
            self.search(self.directory / word)

    def _add(self, path: Path) -> None:
        if path in self.found.files:
            return
        self.found.files[path] = None
        with digest.opened(path) as stream:
            data = stream.read(_LARGEST_SCRIPT + 1)
        if data.startswith(_THIN):
            for member in _thin_members(path.read_bytes()):
                self.found.unseen[path.parent / member] = None
                self.found.files[path.parent / member] = None
        elif b"\0" not in data and len(data) <= _LARGEST_SCRIPT and not data.startswith(b"!<arch>\n"):
            text = data.decode("utf-8", "replace")
            for word in dict.fromkeys((*_WORD.findall(text), *_QUOTED.findall(text))):
                self._meet(word, path.parent)


def _parts(argument: str) -> Iterator[str]:
    """Return the parts of an argument that may be a path.

    They are the whole argument, the text behind each `=`, and the value of a short option such as `-T`.
    """
    yield argument
    for at, letter in enumerate(argument):
        if letter == "=":
            yield argument[at + 1 :]
    if argument.startswith("-"):
        yield from (argument[2:], argument[3:])


def _words_of_response(path: Path) -> list[str]:
    """Split a response file as GNU tools do, with quotes and backslashes."""
    text = digest.text_of(path)
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _thin_members(data: bytes) -> list[str]:
    """Return the file names in a thin archive's table of long names (`//`).

    The members themselves are separate files.
    """
    at = len(_THIN)
    while (header := data[at : at + 60]).endswith(b"`\n"):
        size = int(header[48:58])
        if header.startswith(b"// "):
            names = data[at + 60 : at + 60 + size].decode("utf-8", "replace")
            return [name.rstrip("/") for name in names.split("\n") if name.strip("/")]
        if not header.startswith((b"/ ", b"/SYM64/ ")):
            break
        at += 60 + size + size % 2
    return []
