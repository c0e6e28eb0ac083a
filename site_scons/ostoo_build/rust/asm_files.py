"""Finds the files that assembly includes by `.incbin` and `.include`, which rustc's dep-info does not list.

It understands string literals and comments of Rust, and comments of assembly, but expands no macro. A name that a
macro creates is reported as unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MENTIONED = lazy_pattern(rb"\.(incbin|include|macro|irpc?)\b", re.IGNORECASE)
_DIRECTIVE = lazy_pattern(r"(?:^|[\s;:{])\.(?:incbin|include)\b[ \t]*", re.IGNORECASE | re.MULTILINE)
_MADE = lazy_pattern(r"(?:^|[\s;:{])\.(?!L)\w*\\[\w(@]", re.MULTILINE)
"""A directive whose name an assembler macro composes."""

_ASSEMBLY = (".s", ".asm", ".inc")

_TOKEN = lazy_pattern(
    r"""(?P<line>//[^\n]*)|(?P<block>/\*)|(?P<raw>\b[bc]?r(?P<hashes>\#*)")|(?P<text>"(?:[^"\\]|\\.)*")|"""
    r"""(?P<char>'(?:[^'\\\n]|\\[^\n]{1,9})')""",
    re.DOTALL,
)
_BLOCK_EDGE = lazy_pattern(r"/\*|\*/")
_ESCAPE = lazy_pattern(r"\\(?:\n\s*|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_JOINED = lazy_pattern(r"\s*,\s*(?:env!\s*\(\s*\"(?P<variable>\w+)\"\s*,?\s*\)\s*,\s*)?(?=[\"\w]|$)")
_ASM_COMMENT = lazy_pattern(r"/\*.*?\*/|(?://|\#|@\s)[^\n]*|(\"(?:[^\"\\\n]|\\.)*\")", re.DOTALL)


class Inclusion(Struct, frozen=True):
    """A directive in a line of a source. `name` is the included file, or None if it can't be determined."""

    line: int
    name: str | None


class _Literal(Struct, frozen=True):
    start: int
    end: int
    value: str


def named(data: bytes, file: str, variables: Mapping[str, str]) -> list[Inclusion]:
    """Return the inclusions in a source; `variables` are the values of `env!`.

    A file that is neither Rust nor assembly counts as data.
    """
    if not _MENTIONED.search(data) or b"\0" in data:
        return []
    text = data.decode("utf-8", "replace")
    if file.endswith(".rs"):
        return list(_of_rust(text, variables))
    found = _of_assembly(text)
    return [each for each in found if each.name is not None or file.lower().endswith(_ASSEMBLY)]


def _of_assembly(text: str) -> Iterator[Inclusion]:
    bare = _ASM_COMMENT.sub(lambda match: match[1] or "\n" * match[0].count("\n"), text)
    for match in _DIRECTIVE.finditer(bare):
        quoted = re.match(r'"([^"\n]*)"', bare[match.end() :])
        name = quoted[1] if quoted and "\\" not in quoted[1] else None
        yield Inclusion(bare.count("\n", 0, match.end()) + 1, name)
    for match in _MADE.finditer(bare):
        yield Inclusion(bare.count("\n", 0, match.end()) + 1, None)


def _of_rust(text: str, variables: Mapping[str, str]) -> Iterator[Inclusion]:
    literals = {literal.start: literal for literal in _literals(text)}
    for literal in literals.values():
        for match in _DIRECTIVE.finditer(literal.value):
            name = _quoted(text, literals, literal, match.end(), variables)
            yield Inclusion(text.count("\n", 0, literal.start) + 1, name)
        if _MADE.search(literal.value):
            yield Inclusion(text.count("\n", 0, literal.start) + 1, None)


def _quoted(
    text: str, literals: Mapping[int, _Literal], literal: _Literal, at: int, variables: Mapping[str, str]
) -> str | None:
    """Return the file name that starts in a literal. Literals and `env!` within a `concat!` are joined."""
    value, end = literal.value[at:], literal.end
    while value.count('"') < len('""'):
        joint = _JOINED.match(text, end)
        if joint is None:
            return None
        following = literals.get(joint.end())
        variable = joint["variable"]
        if following is None or (variable and variable not in variables):
            return None
        value += (variables[variable] if variable else "") + following.value
        end = following.end
    opened, name, _ = value.split('"', 2)
    return name if not opened and not re.search(r"[{}\\\n]", re.sub(r"@\{[a-z-]+\}", "", name)) else None


def bare(text: str) -> str:
    """Return a Rust source without comments and with empty literals."""
    kept, at = [], 0
    for token, end in _tokens(text):
        kept.append(text[at : token.start()])
        if not (token["line"] or token["block"]):
            kept.append('""')
        at = end
    return "".join((*kept, text[at:]))


def literals(text: str) -> list[str]:
    """Return the values of a Rust source's string literals, except in comments."""
    return [literal.value for literal in _literals(text)]


def _literals(text: str) -> Iterator[_Literal]:
    """Return all string literals outside of comments."""
    for token, end in _tokens(text):
        if token["raw"]:
            yield _Literal(token.start(), end, text[token.end() : end].removesuffix('"' + token["hashes"]))
        elif token["text"]:
            yield _Literal(token.start(), end, _ESCAPE.sub(_unescaped, token["text"][1:-1]))


def _tokens(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Yield comments and literals, each as the match of its start and the position of its end."""
    at = 0
    while match := _TOKEN.search(text, at):
        at = match.end()
        if match["block"]:
            at = _behind_comment(text, at)
        elif match["raw"]:
            closing = '"' + match["hashes"]
            found = text.find(closing, at)
            at = found + len(closing) if found >= 0 else len(text)
        yield match, at


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPED.get(match[1], match[1]) if match[1] else ""


def _behind_comment(text: str, at: int) -> int:
    """Return the end of a block comment. Comments can be nested."""
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(text, at)):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
    return len(text) if depth else at
