"""Demangles rustc's symbol names, and returns the crate that defined each.

Supports v0 (RFC 2603) and the legacy scheme. The text equals rustc-demangle's `{:#}`, without hashes. Other names stay
unchanged.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.binary.demangle_v0 import NotMangledError, Reader

if TYPE_CHECKING:
    import re

_LLVM_SUFFIX = lazy_pattern(r"\.llvm\.[0-9A-F@]*$")
_SUFFIX = lazy_pattern(r"\.[\w.$@-]*")
_V0 = lazy_pattern(r"_R(?=[A-Z])")
_OLD = "_ZN"
_OLD_LENGTH = lazy_pattern(r"\d{1,6}")
_OLD_HASH = lazy_pattern(r"h[0-9a-fA-F]+")
_OLD_ESCAPES = {"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ","}
_OLD_TOKEN = lazy_pattern(r"\.\.|\.|\$([^$]*)\$")
_CODE_POINT = lazy_pattern(r"u([0-9a-f]{1,6})")
_FIRST_WORD = lazy_pattern(r"[<&*( ]*(?:mut |const |dyn |impl |_)?[<&*( ]*([A-Za-z_]\w*)(?=::)")
_LARGEST_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class Name(Struct, frozen=True):
    """A demangled symbol; `crate` is empty if the symbol does not contain one."""

    text: str
    crate: str


@cache
def demangle(symbol: str) -> Name:
    """Demangle a symbol. The crate is the one that defines it, also for generic code and impls."""
    plain = _LLVM_SUFFIX.sub("", symbol)
    is_old = plain.startswith(_OLD) and plain.isascii()
    found = _v0(plain) if _V0.match(plain) else _old(plain) if is_old else None
    return found or Name(symbol, "")


def _v0(symbol: str) -> Name | None:
    reader = Reader(symbol[2:])
    try:
        text = reader.path(in_value=True)
        crate = reader.crate
        if reader.peek().isupper():
            reader.path(in_value=False)
    except (NotMangledError, RecursionError):
        return None
    suffix = symbol[2 + reader.at :]
    return Name(text + suffix, crate) if not suffix or _SUFFIX.fullmatch(suffix) else None


def _old(symbol: str) -> Name | None:
    parts = []
    at = len(_OLD)
    while not symbol.startswith("E", at):
        digits = _OLD_LENGTH.match(symbol, at)
        if digits is None or digits.end() + int(digits[0]) > len(symbol):
            return None
        at = digits.end() + int(digits[0])
        parts.append(symbol[digits.end() : at])
    suffix = symbol[at + 1 :]
    if not parts or (suffix and not _SUFFIX.fullmatch(suffix)):
        return None
    if _OLD_HASH.fullmatch(parts[-1]):
        parts.pop()
    text = "::".join(_old_part(part) for part in parts)
    if not text:
        return None
    first = _FIRST_WORD.match(f"{text}::")
    return Name(text + suffix, first[1] if first else "")


def _old_part(part: str) -> str:
    rest = part[1:] if part.startswith("_$") else part
    text = ""
    at = 0
    while match := _OLD_TOKEN.search(rest, at):
        read = _old_token(match)
        if read is None:
            return text + rest[at:]
        text += rest[at : match.start()] + read
        at = match.end()
    return text + rest[at:]


def _old_token(match: re.Match[str]) -> str | None:
    escape = match[1]
    if escape is None:
        return "::" if match[0] == ".." else "."
    if escape in _OLD_ESCAPES:
        return _OLD_ESCAPES[escape]
    code = _CODE_POINT.fullmatch(escape)
    if code is None or (point := int(code[1], 16)) > _LARGEST_CODE_POINT or point in _SURROGATES:
        return None
    return chr(point) if chr(point).isprintable() else None
