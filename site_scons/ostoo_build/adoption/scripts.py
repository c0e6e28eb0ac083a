"""Finds the options for std that a repository's own scripts give to cargo, where no cargo configuration has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_NAMES = ("Makefile", "makefile", "GNUmakefile", "Justfile", "justfile", "Makefile.toml")
_SUFFIXES = (".sh", ".mk", ".py", ".rs", ".bash", ".nu")
_LARGEST = 1 << 18
"""In bytes; a larger file is no script that people write."""

_CRATES = lazy_pattern(r"build-std=([a-z_]+(?:,[a-z_]+)*)")
_FEATURES = lazy_pattern(r"build-std-features=([\w-]+(?:,[\w-]+)*)")


class StdOptions(Struct, frozen=True):
    """The crates of `-Zbuild-std=` and the features of `-Zbuild-std-features=`."""

    crates: tuple[str, ...]
    features: tuple[str, ...]


def std_options(folders: Iterable[Path]) -> tuple[StdOptions, ...]:
    """Return the different options in the scripts of some folders."""
    return tuple(dict.fromkeys(each for folder in folders for text in _scripts(folder) for each in _in(text)))


def _scripts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        named = file.name in _NAMES or file.suffix in _SUFFIXES
        if named and file.is_file() and file.stat().st_size <= _LARGEST:
            yield file.read_text(encoding="utf-8", errors="replace")


def _in(text: str) -> Iterator[StdOptions]:
    crates = dict.fromkeys(found[1] for found in _CRATES.finditer(text))
    features = dict.fromkeys(found[1] for found in _FEATURES.finditer(text))
    for each in crates:
        yield StdOptions(tuple(each.split(",")), tuple(name for words in features for name in words.split(",")))
