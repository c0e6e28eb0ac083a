"""Checks in a source's text whether macros may create assembly that the text doesn't show.

Without macros, the assembler's whole input is in string literals, in which `asm_files` finds file names.
"""

from __future__ import annotations

from ostoo_build.base.lazy_pattern import lazy_pattern
from ostoo_build.rust import asm_files

_ASM = lazy_pattern(r"\b(?:(?:global|naked)_)?asm\b")
_CALL = lazy_pattern(r"\s*!\s*[({\[]")
_NO_CALL = lazy_pattern(r"\s*(?:[,;}{)]|::)")
"""What follows the name where it is imported or names a module."""

_MACRO = lazy_pattern(r"\bmacro(?:_rules\s*!\s*\w+\s*[({\[]|\s+\w+[^{]*\{)")
_EXPORTED = lazy_pattern(r"\bmacro_export\b|\bmacro\s+\w")
"""A macro without one of these can't be used outside its crate."""

_BRACKETS = lazy_pattern(r"[(){}\[\]]")


def may_hide(data: bytes) -> bool:
    """Whether a crate's own source can create assembly that its literals do not show."""
    text = _code(data)
    return any(not _is_plain(text, match.end()) for match in _ASM.finditer(text))


def exports_asm(data: bytes) -> bool:
    """Whether a source of a library defines a macro that creates assembly where it is used."""
    text = _code(data)
    if not _EXPORTED.search(text):
        return False
    bodies = (_within(text, match.end()) for match in _MACRO.finditer(text))
    return any(_ASM.search(body) for body in bodies)


def mentions_asm(data: bytes) -> bool:
    """Whether a source of a proc macro contains `asm` anywhere, also in what the macro may generate."""
    text = _text(data)
    return any(map(_ASM.search, (asm_files.bare(text), *asm_files.literals(text))))


def _code(data: bytes) -> str:
    """Return a source without comments and with empty literals."""
    return asm_files.bare(_text(data))


def _text(data: bytes) -> str:
    """Return a source, or nothing if it does not contain `asm`."""
    return data.decode("utf-8", "replace") if b"asm" in data else ""


def _is_plain(text: str, at: int) -> bool:
    call = _CALL.match(text, at)
    if call is None:
        return _NO_CALL.match(text, at) is not None
    arguments = _within(text, call.end())
    return "!" not in arguments and "$" not in arguments


def _within(text: str, start: int) -> str:
    """Return the text between an opening bracket, which ends at `start`, and its closing one."""
    depth = 1
    for match in _BRACKETS.finditer(text, start):
        depth += 1 if match[0] in "({[" else -1
        if depth == 0:
            return text[start : match.start()]
    return text[start:]
