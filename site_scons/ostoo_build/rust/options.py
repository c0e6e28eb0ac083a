"""Parses rustc's arguments in every spelling that rustc accepts.

`-C link-arg=X`, `-Clink-arg=X`, `--codegen link-arg=X`, `--codegen=link_arg=X` are one option.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHORT_WITH_VALUE = frozenset("ACDFLWZlo")
_SHORT_OF = {"allow": "-A", "codegen": "-C", "deny": "-D", "forbid": "-F", "warn": "-W"}
_LONG_WITH_VALUE = frozenset(
    (
        *("cap-lints", "cfg", "check-cfg", "color", "crate-name", "crate-type", "diagnostic-width", "edition", "emit"),
        *("env-set", "error-format", "explain", "extern", "force-warn", "json", "out-dir", "print"),
        *("remap-path-prefix", "remap-path-scope", "sysroot", "target"),
    )
)


class Option(NamedTuple):
    """One option.

    `flag` is `-C`, `-L`, `--cfg`, …, or empty for a positional argument. `words` are the original arguments.
    """

    flag: str
    value: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of a `-C` or `-Z` option with hyphens; rustc also accepts underscores."""
        return self.value.partition("=")[0].replace("_", "-") if self.flag in ("-C", "-Z") else ""

    @property
    def setting(self) -> str:
        """The value of a `-C` or `-Z` option."""
        return self.value.partition("=")[2]

    @property
    def folder(self) -> tuple[str, str]:
        """The kind and folder of a `-L` option. The kind is `native`, `dependency`, …, and `all` by default."""
        kind, equals, folder = self.value.partition("=")
        known = kind in ("all", "crate", "dependency", "framework", "native")
        return (kind, folder) if equals and known else ("all", self.value)

    @property
    def searches_native(self) -> bool:
        """Whether the option names a folder in which native libraries are searched."""
        return self.flag == "-L" and self.folder[0] not in ("crate", "dependency", "framework")


def read(arguments: Iterable[str]) -> tuple[Option, ...]:
    """Parse arguments in the same way as rustc's getopts."""
    return _read(tuple(arguments))


@lru_cache(maxsize=4096)
def _read(arguments: tuple[str, ...]) -> tuple[Option, ...]:
    return tuple(_options(iter(arguments)))


def _options(words: Iterator[str]) -> Iterator[Option]:
    for word in words:
        if word.startswith("--"):
            yield _long(word, words)
        elif word.startswith("-") and word != "-":
            yield from _short(word, words)
        else:
            yield Option("", word, (word,))


_LINK_ARGUMENTS = (("pre-link-arg", "pre-link-args"), ("link-arg", "link-args"))
LINK_ARGUMENTS = frozenset(name for names in _LINK_ARGUMENTS for name in names)
"""The names of the options whose values go to the linker, and nowhere else."""


def link_arguments(arguments: Iterable[str]) -> Iterator[str]:
    """Return the arguments that rustc passes to the linker, in rustc's order: `pre-link-arg` first."""
    options = list(read(arguments))
    for names in _LINK_ARGUMENTS:
        for option in options:
            if option.name in names:
                yield from option.setting.split() if option.name.endswith("s") else (option.setting,)


def _long(word: str, words: Iterator[str]) -> Option:
    name, equals, value = word[2:].partition("=")
    flag = _SHORT_OF.get(name, f"--{name}")
    if equals or not (name in _SHORT_OF or name in _LONG_WITH_VALUE):
        return Option(flag, value, (word,))
    value = next(words, "")
    return Option(flag, value, (word, value))


def _short(word: str, words: Iterator[str]) -> Iterator[Option]:
    """Parse letters behind one hyphen. The first one with a value takes the rest of the word, or the next word."""
    for at, letter in enumerate(word[1:], 1):
        if letter in _SHORT_WITH_VALUE:
            if rest := word[at + 1 :]:
                yield Option(f"-{letter}", rest, (f"-{letter}{rest}",))
            else:
                value = next(words, "")
                yield Option(f"-{letter}", value, (f"-{letter}", value))
            return
        yield Option(f"-{letter}", "", (f"-{letter}",))
