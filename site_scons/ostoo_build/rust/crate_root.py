"""Determines from the source which of std's crates a crate can see.

Cargo makes all of std available to every crate; a `#![no_std]` crate that waits for core and alloc only starts much
earlier. If this guess is wrong, rustc reports "can't find crate"; it never builds something else. Only attributes are
parsed.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base import digest
from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ostoo_build.base.snapshot import Snapshot

WITHOUT_STD = frozenset({"core", "alloc", "compiler_builtins"})
_ONLY_WHEN_NAMED = frozenset({"proc_macro", "test"})
_MARKS = frozenset({"no_main", "reexport_test_harness_main", "test_runner"})

_BLANK = lazy_pattern(r"\s+|//[^\n]*|/\*.*?\*/", re.DOTALL)
_EXTERN_CRATE = lazy_pattern(r"((?:#\[[^\]]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?extern\s+crate\s+(\w+)")
_TOKEN = lazy_pattern(r'\s*(?:([A-Za-z_]\w*)|"([^"]*)"|([(),=]))')


class StdView(Struct, frozen=True):
    """Whether a crate opts out of std, and which of std's crates it names explicitly.

    `marks` are the crate attributes that determine its entry point.
    """

    no_std: bool
    named: tuple[str, ...]
    marks: tuple[str, ...] = ()

    def shows(self, crate: str) -> bool:
        """Whether the crate can see std's crate of that name."""
        by_default = crate in WITHOUT_STD if self.no_std else crate not in _ONLY_WHEN_NAMED
        return by_default or crate in self.named


def view(source: Path, features: tuple[str, ...], cfgs: frozenset[str], snapshot: Snapshot) -> StdView:
    """Read a crate by its root file; `cfgs` are those of the target, as `rustc --print cfg` prints them.

    `snapshot` caches what is found in a folder, as many programs may share it.
    """
    active = cfgs | {f'feature="{feature}"' for feature in features}
    root = digest.text_of(source)
    attributes = {word for attribute in _inner_attributes(root) for word in _active_words(attribute, active)}
    marks = tuple(sorted(_MARKS & attributes))
    no_std = not {"no_std", "no_core"}.isdisjoint(attributes)
    named = snapshot.get(("named crates", source.parent), partial(_named_crates, source.parent))
    visible = {name for name, conditions in named if all(holds(condition, active) for condition in conditions)}
    return StdView(no_std, tuple(sorted(visible)), marks)


def _inner_attributes(source: str) -> Iterator[str]:
    """Yield the text of each `#![...]` before the first item."""
    position = 0
    while True:
        if blank := _BLANK.match(source, position):
            position = blank.end()
        elif source.startswith("#![", position):
            end = _closing_bracket(source, position + 2)
            yield source[position + 3 : end]
            position = end + 1
        else:
            return


def _closing_bracket(source: str, start: int) -> int:
    depth, quoted = 0, False
    for position in range(start, len(source)):
        character = source[position]
        if character == '"' and source[position - 1] != "\\":
            quoted = not quoted
        elif not quoted and character in "[]":
            depth += 1 if character == "[" else -1
            if depth == 0:
                return position
    return len(source)


def _active_words(attribute: str, active: frozenset[str]) -> set[str]:
    """Return the words of an attribute, or of those that a `cfg_attr` expands to. They include the attribute's name."""
    tokens = _tokens(attribute)
    if attribute.strip().startswith("cfg_attr"):
        del tokens[-2:]
        # the attributes follow the predicate
        return set(tokens) if _evaluate(tokens, active) else set()
    return set(tokens[-1:])


def _text(path: Path) -> str:
    """Return a source, or nothing if it can't be read: if the crate includes it, rustc reports the error."""
    try:
        return digest.text_of(path)
    except OSError:
        return ""


def _named_crates(folder: Path) -> list[tuple[str, list[str]]]:
    """Return the crates in `extern crate` items, each with its conditions."""
    return [
        (match[2], re.findall(r"#\[cfg\((.*?)\)\]", match[1]))
        for path in sorted(folder.rglob("*.rs"))
        for match in _EXTERN_CRATE.finditer(_text(path))
    ]


def holds(predicate: str, active: frozenset[str]) -> bool:
    """Evaluate the configuration predicate at the beginning of a text (Rust reference, "Conditional compilation")."""
    return _evaluate(_tokens(predicate), active)


def _tokens(text: str) -> list[str]:
    """Return words, punctuation, and strings with a leading quote, in reverse order: `pop` returns the next one."""
    found = [name or (f'"{string}' if mark == "" else mark) for name, string, mark in _TOKEN.findall(text)]
    return found[::-1]


def _evaluate(tokens: list[str], active: frozenset[str]) -> bool:
    """Evaluate a predicate. An invalid one is false: cargo and rustc report the error."""
    if not tokens:
        return False
    name = tokens.pop()
    following = tokens[-1] if tokens else ""
    if following == "=":
        tokens.pop()
        return bool(tokens) and f'{name}="{tokens.pop()[1:]}"' in active
    if following != "(":
        return name in active or name == "true"
    tokens.pop()
    values = []
    while tokens and tokens[-1] != ")":
        if tokens[-1] == ",":
            tokens.pop()
        else:
            values.append(_evaluate(tokens, active))
    if tokens:
        tokens.pop()
    return {"all": all(values), "any": any(values), "not": not any(values)}.get(name, False)
